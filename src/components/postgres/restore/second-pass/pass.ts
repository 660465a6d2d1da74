import type { ArtifactSource } from '../../../transfer.ts'
import type { AcceptId } from '../../../../core/accept-ids.ts'
import type { LoadTarget } from '../load/load.ts'
import type { PostgresDetails } from '../../schema.ts'
import type { Dump } from '../load/staged-dump.ts'
import type { ContentsLine } from './entries/contents.ts'

/** What the second pass over a dump works on. */
export interface SecondPass {
  readonly place: LoadTarget
  readonly dump: Dump
  /** All that the dump holds, in its order. */
  readonly lines: readonly ContentsLine[]
  /** Where the rows of lanes are. */
  readonly source: ArtifactSource
  readonly details: Pick<PostgresDetails, 'owner' | 'settings' | 'roles' | 'encoding'>
  /** Entries that are loaded under a path of their own, and so were left to this pass. */
  readonly withPath: ReadonlyMap<number, string>
  /** What the operator agreed to go without. */
  readonly accept: readonly AcceptId[]
}
