import type { Context } from '../../../core/ports.ts'
import { stream } from '../../../system/process/run.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { DUMP_ROLE } from '../capture/capture.ts'
import { splitDefinitions, type Definition } from '../fingerprint/definitions.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import { quoteOwner } from './quote-owner.ts'

/**
 * The definitions that a dump holds, by name, with the text of those in `texts`. Their hashes are of the text that pg_dump worded: equal to those of the fingerprint
 * by pg_dump of the major `writer` if both are of the same definitions. No server is asked. Only the beginning of the dump is read.
 */
export async function readArchiveDefinitions(
  { tools, limits }: LoadTarget,
  source: ArtifactSource,
  { writer, texts }: { readonly writer: number; readonly texts?: ReadonlySet<string> },
  context: Context,
): Promise<ReadonlyMap<string, Definition>> {
  const args = ['--format=custom', '--schema-only', '--file=-']
  const options = { file: tools.pgRestore, args, signal: context.signal, ...limits }
  const ending = (text: string): string => quoteOwner(text, writer)
  const found = await splitDefinitions(stream(options, source.read(DUMP_ROLE)), { ending, texts })
  return new Map(found.map((one) => [one.name, one]))
}
