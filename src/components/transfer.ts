import type { ArtifactKind } from '../core/artifact-kind.ts'
import type { Bytes } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import type { Secret } from '../core/secret.ts'
import type { ServerMoment } from '../core/safety/server-moment.ts'
import type { EvidenceTaker } from './evidence.ts'

/** Where a capture puts what it reads. */
export interface ArtifactSink {
  /** The number of this attempt, from 1. Others changed or locked the component at each one before. */
  readonly attempt?: number
  /**
   * Stores one artifact; it is complete when the promise resolves. When `content` throws, no artifact appears. Several
   * writes may run at once. The next chunk may overwrite the one before: a reader that keeps a chunk copies it.
   */
  write(role: string, kind: ArtifactKind, content: Bytes): Promise<void>
  /** Random, the same for the whole restore point, made by `secretOfBytes`. Digests of secrets are made with it. */
  readonly fingerprintKey?: Secret
  readonly evidence?: EvidenceTaker
}

/** Where a restore reads what was captured. */
export interface ArtifactSource {
  /**
   * The plain content of the artifact with this role; can be read several times. A chunk belongs to its reader: the
   * memory of large ones may be given back.
   */
  read(role: string): Bytes
  /** The bytes that `read` gives, as the manifest says. */
  sizeOf(role: string): number
  readonly roles: readonly string[]
}

export type ArtifactSizes = Pick<ArtifactSource, 'sizeOf'>

/** What a capture tells of itself, beside the artifacts. */
export interface Captured<Details> {
  readonly details: Details
  /** Plain sentences: what a restore will not bring back. */
  readonly notCaptured: readonly string[]
  /** Plain phrases: what the settings leave out. It could be captured, and nothing is wrong without it. */
  readonly onPurpose?: readonly string[] | undefined
  /** Plain sentences: what should be in the point and could not be read, while the rest is. The point is incomplete. */
  readonly incomplete?: readonly string[]
  /** In words for everybody, without names of what is in it: what of the whole component nothing proves. */
  readonly unproven?: string
  /** What the capture checked itself, because that takes as long as reading. */
  readonly findings?: readonly Finding[]
  /** Where the server was, for kinds that have one with a history. */
  readonly server?: ServerMoment | undefined
}
