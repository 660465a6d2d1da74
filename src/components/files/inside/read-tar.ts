import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import { rawOf, type RawPath } from '../tree/names.ts'
import { ByteReader } from './byte-reader.ts'

/**
 * Reads an archive whose names may be any bytes: pax, GNU's long names, and what busybox writes. Why no library does:
 * docs/decisions/files-tar.md.
 */

const BLOCK = 512
const LONGEST_RECORDS = 1024 * 1024

export interface TarMember {
  /** As tar wrote it, for example `./a`. */
  readonly name: RawPath
  /** The type flag; `0` for a file. */
  readonly type: string
  readonly link: RawPath
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly user: RawPath
  readonly group: RawPath
  readonly size: number
  /** Nanoseconds. */
  readonly mtime: bigint
}

/** All of `content` must be read before the next. Fails with `unsupported` on what is no archive. */
export async function* readTar(bytes: Bytes): AsyncGenerator<{ readonly member: TarMember; readonly content: Bytes }> {
  const reader = new ByteReader(bytes)
  let records: ReadonlyMap<string, RawPath> = new Map()
  for (;;) {
    const block = await reader.take(BLOCK)
    if (block.every((byte) => byte === 0)) break
    const member = memberOf(block, records)
    const { type, size } = member
    if (type === 'x' || type === 'L' || type === 'K') {
      if (size > LONGEST_RECORDS) throw noArchive('a record is too long')
      const content = await reader.take(size)
      await reader.take(paddingOf(size))
      records = new Map([...records, ...(type === 'x' ? paxRecords(content) : longName(type, content))])
      continue
    }
    records = new Map()
    const length = type === '0' ? size : 0
    if (type === 'g') await reader.take(size)
    else yield { member, content: reader.stream(length) }
    await reader.take(paddingOf(type === 'g' ? size : length))
  }
  // What comes after the end is zeros; the last of it says how tar ended.
  await reader.drain()
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function memberOf(block: Buffer, records: ReadonlyMap<string, RawPath>): TarMember {
  if (numberIn(block, 148, 8) !== checksumOf(block)) throw noArchive('a checksum is wrong')
  const text = (from: number, length: number): RawPath => textIn(block, from, length)
  const isUstar = text(257, 6) === 'ustar' && block[262] === 0
  const prefix = isUstar ? text(345, 155) : ''
  const flag = String.fromCharCode(block[156] ?? 0)
  const type = flag === '\0' || flag === '7' ? '0' : flag
  // A record belongs to the next member and not to another record.
  const of = (key: string): RawPath | undefined => ('xgLK'.includes(type) ? undefined : records.get(key))
  const number = (key: string, from: number, length: number): number => Number(of(key) ?? numberIn(block, from, length))
  const member = {
    name: of('path') ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`),
    type,
    link: of('linkpath') ?? text(157, 100),
    mode: numberIn(block, 100, 8) & 0o7777,
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    user: of('uname') ?? text(265, 32),
    group: of('gname') ?? text(297, 32),
    size: number('size', 124, 12),
    mtime: nanoseconds(of('mtime') ?? `${numberIn(block, 136, 12)}`),
  }
  const whole = [member.uid, member.gid, member.size]
  if (whole.some((each) => !Number.isSafeInteger(each) || each < 0)) throw noArchive('a number is none')
  return member
}

function textIn(block: Buffer, from: number, length: number): RawPath {
  const field = rawOf(block.subarray(from, from + length))
  const end = field.indexOf('\0')
  return end === -1 ? field : field.slice(0, end)
}

/** Octal digits, or the number itself in its bytes where the highest bit is set. */
function numberIn(block: Buffer, from: number, length: number): number {
  const first = block[from] ?? 0
  if ((first & 0x80) === 0) {
    const digits = textIn(block, from, length).trim()
    if (!/^[0-7]*$/.test(digits)) throw noArchive('a number is none')
    return digits === '' ? 0 : Number.parseInt(digits, 8)
  }
  let value = first === 0xff ? -1n : BigInt(first & 0x7f)
  for (const byte of block.subarray(from + 1, from + length)) value = (value << 8n) | BigInt(byte)
  return Number(value)
}

function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte
  return sum
}

/** `12 key=value` and a line break, the number being the length of all of it. */
function paxRecords(content: Buffer): Map<string, RawPath> {
  const records = new Map<string, RawPath>()
  for (let from = 0; from < content.length;) {
    const space = content.indexOf(0x20, from)
    const length = Number(rawOf(content.subarray(from, space)))
    if (space === -1 || !Number.isSafeInteger(length) || length <= 0) throw noArchive('a record is none')
    const record = rawOf(content.subarray(space + 1, from + length - 1))
    const equals = record.indexOf('=')
    records.set(record.slice(0, equals), record.slice(equals + 1))
    from += length
  }
  return records
}

function longName(type: 'L' | 'K', content: Buffer): Map<string, RawPath> {
  return new Map([[type === 'L' ? 'path' : 'linkpath', textIn(content, 0, content.length)]])
}

function nanoseconds(text: RawPath): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) throw noArchive('a time is none')
  const value = BigInt(match[2] ?? '0') * 1_000_000_000n + BigInt((match[3] ?? '').padEnd(9, '0').slice(0, 9))
  return match[1] === '-' ? -value : value
}

function noArchive(why: string): Failure {
  return new Failure('unsupported', `what the tar of the container gave is no archive: ${why}`, {
    hint: 'Mount the volume on this host and give its path there, without reach.',
  })
}
