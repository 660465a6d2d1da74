import { isAscii } from 'node:buffer'
import type { FileEntry } from './entry.ts'
import { bytesOf, isText, lastName, rawOfText, ROOT, type RawPath } from './names.ts'

/**
 * Headers of a pax archive (POSIX.1-2008), with what the ustar fields cannot hold in extended records.
 * Why tar-stream does not write them: docs/decisions/files-tar.md.
 */

export const BLOCK = 512
const TYPE_FLAGS = { file: '0', link: '1', symlink: '2', directory: '5', pax: 'x' } as const
/** The largest number in an octal field of eight and of twelve bytes. */
const MAX_SHORT = 0o7777777
const MAX_LONG = 0o77777777777
const NOBODY = 65_534

/**
 * All header blocks of an entry; `size` bytes of content padded to whole blocks follow. A `version` above 1 says that
 * the entry replaces the one before it, which has the same name.
 */
export function tarHeader(entry: FileEntry, size: number, version = 1): Buffer {
  const fields = fieldsOf(entry, size)
  const comment = version === 1 ? [] : [record('comment', `version ${version}`)]
  const records = Buffer.concat([...comment, ...extendedRecords(entry, fields)])
  const main = block({ ...fields, type: TYPE_FLAGS[entry.type] })
  if (records.length === 0) return main
  const extended = {
    ...fields,
    name: `PaxHeaders/${lastName(entry.path)}`,
    link: '',
    mode: 0o644,
    size: records.length,
  }
  return Buffer.concat([block({ ...extended, type: TYPE_FLAGS.pax }), records, padding(records.length), main])
}

/** What fills the last block of a content of this length. */
export function padding(length: number): Buffer {
  return Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK)
}

/** Two blocks of zeros end an archive. */
export function endOfArchive(): Buffer {
  return Buffer.alloc(2 * BLOCK)
}

interface Fields {
  readonly name: RawPath
  readonly link: RawPath
  readonly user: RawPath
  readonly group: RawPath
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Whole seconds, rounded down. */
  readonly seconds: number
}

function fieldsOf(entry: FileEntry, size: number): Fields {
  return {
    name: tarName(entry),
    link: 'target' in entry ? entry.target : '',
    user: rawOfText(entry.user ?? ''),
    group: rawOfText(entry.group ?? ''),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size,
    seconds: Number(entry.mtime / 1_000_000_000n) - (entry.mtime < 0n && entry.mtime % 1_000_000_000n !== 0n ? 1 : 0),
  }
}

/** A folder ends with a slash; the captured folder itself is `./`. */
export function tarName({ path, type }: FileEntry): RawPath {
  if (path === ROOT) return './'
  return type === 'directory' ? `${path}/` : path
}

function extendedRecords(entry: FileEntry, { name, link, user, group, uid, gid, size, seconds }: Fields): Buffer[] {
  const records = [
    ...nameRecord('path', name),
    ...nameRecord('linkpath', link),
    ...textRecord('uname', user, 31),
    ...textRecord('gname', group, 31),
    ...numberRecord('uid', uid, MAX_SHORT),
    ...numberRecord('gid', gid, MAX_SHORT),
    ...numberRecord('size', size, MAX_LONG),
  ]
  const exact = entry.mtime === BigInt(seconds) * 1_000_000_000n && seconds >= 0 && seconds <= MAX_LONG
  if (!exact) records.push(record('mtime', decimalSeconds(entry.mtime)))
  return records
}

/**
 * A name that is not UTF-8 goes into the header field, where no reader converts it, if it fits there. Otherwise a record
 * before it says that the bytes are not UTF-8; GNU tar prints that it does not know that record, and does the right thing.
 */
function nameRecord(key: 'path' | 'linkpath', name: RawPath): Buffer[] {
  if (isText(name)) return textRecord(key, name, 100)
  return name.length <= 100 ? [] : [record('hdrcharset', 'BINARY'), record(key, name)]
}

function textRecord(key: string, value: RawPath, longest: number): Buffer[] {
  const fits = value.length <= longest && isAscii(bytesOf(value))
  return fits ? [] : [record(key, value)]
}

function numberRecord(key: string, value: number, largest: number): Buffer[] {
  return value <= largest ? [] : [record(key, value.toString())]
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function record(key: string, value: RawPath): Buffer {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (length !== rest.length + length.toString().length) length = rest.length + length.toString().length
  return bytesOf(`${length}${rest}`)
}

function decimalSeconds(nanoseconds: bigint): string {
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0')
  return `${nanoseconds < 0n ? '-' : ''}${absolute / 1_000_000_000n}.${fraction}`
}

function block({ type, ...fields }: Fields & { readonly type: string }): Buffer {
  const header = Buffer.alloc(BLOCK)
  const text = (value: RawPath, offset: number, length: number): void =>
    void header.write(value, offset, length, 'latin1')
  const octal = (value: number, offset: number, length: number): void =>
    text(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, length)
  text(fields.name, 0, 100)
  octal(fields.mode, 100, 8)
  // A reader that knows no extended records gives a file with a large owner number to nobody, not to root.
  octal(fields.uid <= MAX_SHORT ? fields.uid : NOBODY, 108, 8)
  octal(fields.gid <= MAX_SHORT ? fields.gid : NOBODY, 116, 8)
  octal(fields.size <= MAX_LONG ? fields.size : 0, 124, 12)
  octal(Math.min(Math.max(fields.seconds, 0), MAX_LONG), 136, 12)
  text('        ', 148, 8)
  text(type, 156, 1)
  text(fields.link, 157, 100)
  text('ustar\x0000', 257, 8)
  text(fields.user, 265, 31)
  text(fields.group, 297, 31)
  const sum = header.reduce((total, byte) => total + byte, 0)
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return header
}
