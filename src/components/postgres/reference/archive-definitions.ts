import type { Context } from '../../../core/ports.ts'
import { stream } from '../../../system/run.ts'
import type { ArtifactSource } from '../../driver.ts'
import { DUMP_ROLE } from '../capture.ts'
import { splitDefinitions } from '../definitions.ts'
import type { LoadPlace } from '../load.ts'
import { quoteOwner } from './quote-owner.ts'

/**
 * The definitions that a dump holds, by name, as hashes of the text that pg_dump worded: equal to those of the fingerprint
 * by pg_dump of the major `writer` if both are of the same definitions. No server is asked. Only the beginning of the dump is read.
 */
export async function readArchiveDefinitions(
  { tools, limits }: LoadPlace,
  source: ArtifactSource,
  writer: number,
  context: Context,
): Promise<ReadonlyMap<string, string>> {
  const args = ['--format=custom', '--schema-only', '--file=-']
  const options = { file: tools.pgRestore, args, signal: context.signal, ...limits }
  const found = await splitDefinitions(stream(options, source.read(DUMP_ROLE)), (text) => quoteOwner(text, writer))
  return new Map(found.map(({ name, definition }) => [name, definition]))
}
