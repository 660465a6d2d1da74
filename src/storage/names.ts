import { Failure } from '../core/failure.ts'

const NAME_LIMIT = 255
const segmentPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/
const prefixPattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/|$))*$/

/** Whether this can be the name of a blob. Whatever else lies in a folder or bucket is not ours. */
export function isBlobName(name: string): boolean {
  return name.length <= NAME_LIMIT && name.split('/').every((segment) => segmentPattern.test(segment))
}

/** Fails with `usage` unless this can be the name of a blob, so that no name leads out of the storage. */
export function assertBlobName(name: string): void {
  if (isBlobName(name)) return
  throw new Failure('usage', `blob name ${JSON.stringify(name)} is not allowed`, {
    hint: `Names are segments of letters, digits, dot, underscore and hyphen between slashes, at most ${NAME_LIMIT} bytes; no segment starts with a dot.`,
  })
}

/** Fails with `usage` unless names can start with this. The empty prefix is the start of every name. */
export function assertPrefix(prefix: string): void {
  if (prefix.length <= NAME_LIMIT && prefixPattern.test(prefix)) return
  throw new Failure('usage', `blob prefix ${JSON.stringify(prefix)} is not allowed`)
}

/** Order of names by UTF-16 code unit; for the letters that names have, the order of their bytes too. */
export function byName(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
