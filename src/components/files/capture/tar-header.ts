import { isAscii } from 'node:buffer'
import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import type { FileEntry } from './entry.ts'
import { bytesOf, lastName, rawOfText, ROOT, textOf, type RawPath } from '../tree/names.ts'

/**
 * Headers of a pax archive (POSIX.1-2008), with what the ustar fields cannot hold in extended records. Blocks and records
 * are node-tar's; which values go where is decided here. Why not tar-stream's: docs/decisions/files-tar.md.
 */

const BLOCK = 512
const TYPES = { file: 'File', link: 'Link', symlink: 'SymbolicLink', directory: 'Directory' } as const
/** From here on the library would divide a name between two fields. */
const LONGEST_NAME = 99
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
  const main = block(fields, TYPES[entry.type])
  if (records.length === 0) return main
  const extended = {
    ...fields,
    name: `PaxHeaders/${lastName(entry.path)}`,
    link: '',
    mode: 0o644,
    size: records.length,
  }
  return Buffer.concat([block(extended, 'ExtendedHeader'), records, padding(records.length), main])
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
    ...textRecord('path', name, LONGEST_NAME),
    ...textRecord('linkpath', link, LONGEST_NAME),
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

type Key = 'path' | 'linkpath' | 'uname' | 'gname' | 'uid' | 'gid' | 'size' | 'mtime' | 'comment'

function textRecord(key: Key, value: RawPath, longest: number): Buffer[] {
  const fits = value.length <= longest && isAscii(bytesOf(value))
  return fits ? [] : [record(key, value)]
}

function numberRecord(key: Key, value: number, largest: number): Buffer[] {
  return value <= largest ? [] : [record(key, value.toString())]
}

/**
 * A record counts its bytes. The library is given as many letters to count, because it writes text as UTF-8 and times in
 * milliseconds, where a name may be any bytes and a time has nanoseconds.
 */
function record(key: Key, value: RawPath): Buffer {
  const letters = 'x'.repeat(value.length)
  const counted = Object.assign(new Pax({}), { [key]: letters }).encodeField(key)
  return bytesOf(`${counted.slice(0, -letters.length - 1)}${value}\n`)
}

function decimalSeconds(nanoseconds: bigint): string {
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0')
  return `${nanoseconds < 0n ? '-' : ''}${absolute / 1_000_000_000n}.${fraction}`
}

/** What does not fit a field is in a record, and the field has what comes nearest for a reader that knows no records. */
function block(fields: Fields, type: 'ExtendedHeader' | (typeof TYPES)[FileEntry['type']]): Buffer {
  const header = new Header({
    path: textOf(fields.name.slice(0, LONGEST_NAME)),
    linkpath: textOf(fields.link.slice(0, LONGEST_NAME)),
    uname: textOf(fields.user.slice(0, 31)),
    gname: textOf(fields.group.slice(0, 31)),
    mode: fields.mode,
    // A file with a large owner number goes to nobody then, not to root.
    uid: fields.uid <= MAX_SHORT ? fields.uid : NOBODY,
    gid: fields.gid <= MAX_SHORT ? fields.gid : NOBODY,
    size: fields.size,
    mtime: new Date(Math.min(Math.max(fields.seconds, 0), MAX_LONG) * 1000),
    type,
  })
  const encoded = Buffer.alloc(BLOCK)
  header.encode(encoded)
  return encoded
}
