import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import { localSource, sourcesIn, type KleidiaSource } from './format/source.ts'
import { openStorage } from '../../storage/open.ts'
import { readOnly } from '../../storage/wrap/read-only.ts'
import { retrying } from '../../storage/wrap/retrying.ts'
import type { Storage } from '../../storage/storage.ts'

/** Where Kleidia put its backups; keys come from where the AWS tools look for them. */
export const kleidiaLocation = z.object({
  /** An absolute path, or s3://bucket/prefix. */
  where: z.string(),
  endpoint: z.string().exactOptional(),
  region: z.string().exactOptional(),
  ca: z.string().exactOptional(),
})
export type KleidiaLocation = Readonly<z.infer<typeof kleidiaLocation>>

/** The file at a path or s3:// URL, or all files below it. Nothing is written there. */
export async function* kleidiaSources(location: KleidiaLocation, context: Context): AsyncIterable<KleidiaSource> {
  if (location.where.startsWith('s3:')) return yield* inBucket(location, context)
  const path = resolve(location.where)
  if (!(await isFolder(path))) return yield await localSource(path, basename(path))
  yield* sourcesIn(await open({ url: pathToFileURL(path).href }, context), { name: '', shown: path }, context.signal)
}

/** `s3://bucket/a/b` may be the object `a/b` or all that is below `a/b/`. */
async function* inBucket({ where, ...server }: KleidiaLocation, context: Context): AsyncIterable<KleidiaSource> {
  const [, bucket = where, name = ''] = /^(s3:\/\/[^/]+)\/(.*)$/.exec(where) ?? []
  yield* sourcesIn(await open({ url: bucket, ...server }, context), { name, shown: bucket }, context.signal)
}

/** Said to be create-only, so that opening it does not try that out by writing. */
async function open(settings: Parameters<typeof openStorage>[0], { clock, signal }: Context): Promise<Storage> {
  return readOnly(retrying(await openStorage({ ...settings, createOnly: true }, { clock, signal })))
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
