import type { Context } from '../../../../core/ports.ts'
import type { FoundDump } from '../../../capabilities/dumps.ts'
import { readArchiveDate } from './archive-toc.ts'
import { compressionOf } from './compression.ts'
import { beginningOf } from './dump-file.ts'

const HEAD = 65_536
const ARCHIVE = 'PGDMP'
const TEXT = /^-- PostgreSQL database (?:cluster )?dump/m
/** `pg_dump --verbose` and `pg_dumpall` write it, in the zone of their machine. */
const STARTED = /^-- Started on (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)/m

/** What the beginning of a file says of it; undefined where it is no dump. */
export async function describeFile(
  path: string,
  bytes: number,
  context: Context,
): Promise<(Pick<FoundDump, 'format'> & { readonly dumped?: Date }) | undefined> {
  const compression = await compressionOf(path)
  const head = await beginningOf({ path, name: path, bytes, compression }, HEAD, context)
  if (head.toString('latin1', 0, ARCHIVE.length) === ARCHIVE)
    return { format: 'custom', ...(await dated(() => readArchiveDate(path, chunksOf(head)))) }
  const text = head.toString('latin1')
  return TEXT.test(text) ? { format: 'sql', ...(await dated(() => Promise.resolve(startedOn(text)))) } : undefined
}

/** Of an archive whose head is damaged no date is known; the import says what is wrong with it. */
export async function dated(read: () => Promise<Date | undefined>): Promise<{ readonly dumped?: Date }> {
  try {
    const dumped = await read()
    return dumped === undefined || Number.isNaN(dumped.getTime()) ? {} : { dumped }
  } catch {
    return {}
  }
}

function startedOn(text: string): Date | undefined {
  const [, ...parts] = STARTED.exec(text) ?? []
  const [year, month, day, hour, minute, second] = parts.map(Number)
  if (year === undefined || month === undefined) return undefined
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second))
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
