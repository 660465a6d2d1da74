import { Failure } from '../../../../core/failure.ts'
import type { Bytes } from '../../../../core/ports.ts'
import { ByteSource } from './byte-source.ts'

/** The table of contents of an archive: what pg_dump says is in it. */
export interface ArchiveToc {
  readonly entries: readonly TocEntry[]
}

/** Names and statements are the bytes of the dump's encoding, as latin1. */
export interface TocEntry {
  readonly id: number
  /** What the entry is, for example `TABLE DATA`. */
  readonly description: string
  readonly schema: string
  readonly name: string
  readonly definition: string
  /** The COPY statement of rows; empty for rows as INSERT, and for all that are none. */
  readonly copy: string
  /** Rows or large objects go with it. */
  readonly hasData: boolean
  /** Directory format: the file of its data, without the ending that tells of compression. */
  readonly file: string
}

/** `n` is the second number of the format's version 1.n: 14 since pg_dump 12, 16 since pg_dump 17. */
const OLDEST = 10
const NEWEST = 16
const FORMATS: Readonly<Record<number, 'custom' | 'directory'>> = { 1: 'custom', 3: 'directory' }
const LONGEST_TEXT = 256 * 1024 * 1024
const MOST_ENTRIES = 10_000_000

/** Reads the table of contents at the beginning of an archive; with `toItsEnd` nothing may follow it. */
export async function readToc(path: string, content: Bytes, toItsEnd: boolean): Promise<ArchiveToc> {
  const source = new ByteSource(content, () => damaged(path, 'it ends within its table of contents'))
  try {
    const reader = await openToc(path, source)
    const count = await reader.count(MOST_ENTRIES)
    const entries: TocEntry[] = []
    while (entries.length < count) entries.push(await readEntry(reader))
    if (toItsEnd && !(await source.ended())) throw damaged(path, 'something follows its table of contents')
    return { entries }
  } finally {
    await source.close()
  }
}

/** When an archive was made, by the clock and in the zone of the machine that made it, taken for UTC. */
export async function readArchiveDate(path: string, content: Bytes): Promise<Date> {
  const source = new ByteSource(content, () => damaged(path, 'it ends within its table of contents'))
  try {
    return (await openToc(path, source)).made
  } finally {
    await source.close()
  }
}

async function openToc(path: string, source: ByteSource): Promise<TocReader> {
  const head = await source.read(11)
  const [major, minor = 0, integerSize = 0, offsetSize = 0, form = 0] = [head[5], head[6], head[8], head[9], head[10]]
  const format = FORMATS[form]
  if (head.toString('latin1', 0, 5) !== 'PGDMP' || integerSize < 4 || integerSize > 8 || format === undefined)
    throw damaged(path, 'it does not begin as a dump of pg_dump')
  if (major !== 1 || minor < OLDEST || minor > NEWEST)
    throw new Failure('unsupported', `${path} is an archive of version ${major}.${minor}`, {
      hint: `Archives of 1.${OLDEST} to 1.${NEWEST} are read, from PostgreSQL 8.4 to 18. Make a plain dump of it with the pg_restore of its own version.`,
    })
  const reader = new TocReader(path, source, { minor, integerSize, offsetSize, format })
  await reader.readHead()
  return reader
}

async function readEntry(reader: TocReader): Promise<TocEntry> {
  const { minor } = reader.form
  const id = await reader.integer()
  const hasData = (await reader.integer()) !== 0
  await reader.skipTexts(2)
  const [name, description] = [await reader.text(), await reader.text()]
  if (minor >= 11) await reader.integer()
  const definition = await reader.text()
  await reader.skipTexts(1)
  const [copy, schema] = [await reader.text(), await reader.text()]
  await reader.skipTexts(minor >= 14 ? 2 : 1)
  if (minor >= 16) await reader.integer()
  await reader.skipTexts(2)
  while ((await reader.optionalText()) !== undefined);
  const file = await reader.whereData()
  return { id, description, schema, name, definition, copy: copy.trim(), hasData, file }
}

interface Form {
  readonly minor: number
  readonly integerSize: number
  readonly offsetSize: number
  readonly format: 'custom' | 'directory'
}

/** The values that pg_dump writes, one after the other. */
class TocReader {
  readonly form: Form
  readonly #path: string
  readonly #source: ByteSource
  made = new Date(Number.NaN)

  constructor(path: string, source: ByteSource, form: Form) {
    this.#path = path
    this.#source = source
    this.form = form
  }

  /** How it is compressed, when it was made, of which database, by which versions. */
  async readHead(): Promise<void> {
    if (this.form.minor >= 15) await this.#source.read(1)
    else await this.integer()
    // As struct tm has it: years since 1900, months from 0, and last whether it was summer time.
    const [second, minute, hour, day, month, year] = [
      await this.integer(),
      await this.integer(),
      await this.integer(),
      await this.integer(),
      await this.integer(),
      await this.integer(),
    ]
    await this.integer()
    this.made = new Date(Date.UTC(year + 1900, month, day, hour, minute, second))
    await this.skipTexts(3)
  }

  /** A byte with the sign, and the bytes of the number, the lowest first. */
  async integer(): Promise<number> {
    const bytes = await this.#source.read(1 + this.form.integerSize)
    const value = bytes.readUIntLE(1, Math.min(this.form.integerSize, 6))
    return bytes[0] === 0 ? value : -value
  }

  async count(most: number): Promise<number> {
    const value = await this.integer()
    if (value < 0 || value > most) throw damaged(this.#path, 'a number in its table of contents makes no sense')
    return value
  }

  async optionalText(): Promise<string | undefined> {
    const length = await this.integer()
    if (length < 0) return undefined
    if (length > LONGEST_TEXT) throw damaged(this.#path, 'a text in its table of contents has no sensible length')
    return (await this.#source.read(length)).toString('latin1')
  }

  async text(): Promise<string> {
    return (await this.optionalText()) ?? ''
  }

  async skipTexts(count: number): Promise<void> {
    for (let skipped = 0; skipped < count; skipped += 1) await this.optionalText()
  }

  /** Custom format: a flag and an offset, which say nothing of a file that was written to a pipe. */
  async whereData(): Promise<string> {
    if (this.form.format === 'directory') return this.text()
    await this.#source.read(1 + this.form.offsetSize)
    return ''
  }
}

function damaged(path: string, what: string): Failure {
  return new Failure('corrupt', `${path} is cut off or damaged: ${what}`, {
    hint: 'Use another copy of the dump, or make it again.',
  })
}
