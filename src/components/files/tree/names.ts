import { Buffer, isUtf8 } from 'node:buffer'

/**
 * A file name or relative path as the kernel has it: any bytes but NUL, one character per byte (latin1). Comparing such
 * strings compares bytes. The folder itself is `.`. Only this file turns it into anything else.
 */
export type RawPath = string

export const ROOT: RawPath = '.'

export function rawOf(bytes: Buffer): RawPath {
  return bytes.toString('latin1')
}

export function bytesOf(path: RawPath): Buffer {
  return Buffer.from(path, 'latin1')
}

export function rawOfText(text: string): RawPath {
  return rawOf(Buffer.from(text, 'utf8'))
}

/** As text; bytes that are not UTF-8 become U+FFFD, as in every reader that takes names for text. */
export function textOf(path: RawPath): string {
  return bytesOf(path).toString('utf8')
}

function isText(path: RawPath): boolean {
  return isUtf8(bytesOf(path))
}

/** For people and messages, on one line; a name that is not text is shown with its bytes percent-encoded. */
export function shown(path: RawPath): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not reach a terminal
  return isText(path) && !/[\x00-\x1f\x7f]/.test(path) ? textOf(path) : percentEncoded(path)
}

/** Bytes other than visible ASCII, and `%`, as `%XX`. The inverse is `percentDecoded`. */
export function percentEncoded(path: RawPath): string {
  return path.replaceAll(
    /[^\x21-\x7e]|%/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** Undefined when `text` is not what `percentEncoded` gives for any name. */
export function percentDecoded(text: string): RawPath | undefined {
  const raw = text.replaceAll(/%([0-9A-F]{2})/g, (_match, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return percentEncoded(raw) === text ? raw : undefined
}

/** Whether `path` stays below the folder it is relative to, whatever is there: no empty, `.` or `..` segment, no NUL. */
export function isSafeRelative(path: RawPath): boolean {
  return (
    !path.includes('\0') && path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  )
}

export function joined(folder: RawPath, name: RawPath): RawPath {
  return folder === ROOT ? name : `${folder}/${name}`
}

export function parentOf(path: RawPath): RawPath {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? ROOT : path.slice(0, slash)
}

export function lastName(path: RawPath): RawPath {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function isInside(path: RawPath, folder: RawPath): boolean {
  return folder === ROOT ? path !== ROOT : path.startsWith(`${folder}/`)
}

/** The order of a walk: a folder, then all that is in it, names by their bytes. Negative when `a` comes first. */
export function walkOrder(a: RawPath, b: RawPath): number {
  if (a === b) return 0
  if (a === ROOT || b === ROOT) return a === ROOT ? -1 : 1
  // No name contains NUL, so with it in place of the slash a folder sorts before its siblings that begin like it.
  return a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1
}

/** Whether a symbolic link at `path` names a place outside the captured folder, by its text alone. */
export function escapes(path: RawPath, target: RawPath): boolean {
  if (target.startsWith('/')) return true
  let depth = path.split('/').length - 1
  for (const segment of target.split('/')) {
    if (segment === '..') depth -= 1
    else if (segment !== '' && segment !== '.') depth += 1
    if (depth < 0) return true
  }
  return false
}
