import type { Bytes } from '../../../../core/ports.ts'
import { ArchiveFields, encodeInt, encodeText, type Widths } from './archive-fields.ts'

/** An entry of the list of contents of a dump in custom format, as far as dropping is concerned. */
export interface ArchiveEntry {
  /** What it is, for example `FK CONSTRAINT`. */
  readonly kind: string
  /** Its name; of what belongs to a table, the table's name, a blank and its own. */
  readonly tag: string
  /** Null for what is in no schema. */
  readonly schema: string | null
  /** Whether it is made behind the rows. */
  readonly behindRows: boolean
}

/** How the list of contents is changed. */
export interface HeadEdit {
  /** For each entry whether the statement that drops it stays. */
  readonly keeps: readonly boolean[]
  /** For each entry whether the statement that drops it also runs with the first section, where sections are restored one by one. */
  readonly early?: readonly boolean[]
  /** Runs in the transaction of the restore before anything is dropped; empty runs nothing. */
  readonly first: string
}

/** The versions of the format that pg_dump 14 to 18 write. */
const MAJOR = 1
const OLDEST_MINOR = 14
const NEWEST_MINOR = 16
const WITH_ALGORITHM = 15
const WITH_RELKIND = 16
const MAGIC = 'PGDMP'
const CUSTOM = 1
/** Second, minute, hour, day, month, year, daylight saving. */
const DATE_FIELDS = 7
const PRE_DATA = 2
const POST_DATA = 4
const NO_DATA = 3

/**
 * A dump in custom format with fewer drops in its list of contents; everything else is passed on byte by byte. What pg_restore
 * reads from a pipe it does not look for by offsets, so that a list of another length does no harm. A format that is not
 * known passes as it is.
 */
export async function* withDrops(content: Bytes, edit: (entries: readonly ArchiveEntry[]) => HeadEdit): Bytes {
  const fields = new ArchiveFields(content)
  try {
    const layout = await readLayout(fields)
    if (layout !== undefined) yield await editedHead(fields, layout, edit)
    yield* fields.rest()
  } finally {
    await fields.close()
  }
}

interface Layout extends Widths {
  readonly minor: number
}

async function readLayout(fields: ArchiveFields): Promise<Layout | undefined> {
  const magic = await fields.bytes(MAGIC.length)
  const [major = 0, minor = 0, , int = 0, offset = 0, format = 0] = await fields.bytes(6)
  const isKnown = major === MAJOR && minor >= OLDEST_MINOR && minor <= NEWEST_MINOR && format === CUSTOM
  if (magic.toString('latin1') !== MAGIC || !isKnown) return undefined
  fields.use({ int, offset })
  return { minor, int, offset }
}

interface ReadEntry extends ArchiveEntry {
  readonly id: number
  /** Everything before the statement that drops, that statement, and everything behind it. */
  readonly before: Buffer
  readonly drop: Buffer
  readonly behind: Buffer
}

async function editedHead(
  fields: ArchiveFields,
  layout: Layout,
  edit: (entries: readonly ArchiveEntry[]) => HeadEdit,
): Promise<Buffer> {
  if (layout.minor >= WITH_ALGORITHM) await fields.bytes(1)
  else await fields.int()
  for (let field = 0; field < DATE_FIELDS; field += 1) await fields.int()
  // The database, the version of the server and that of pg_dump.
  for (let field = 0; field < 3; field += 1) await fields.text()
  const head = fields.taken()
  const count = await fields.int()
  fields.taken()
  const entries: ReadEntry[] = []
  while (entries.length < count) entries.push(await readEntry(fields, layout))
  const { keeps, early = [], first } = edit(entries)
  const nothing = encodeText('', layout)
  const free = Math.max(0, ...entries.map((entry) => entry.id)) + 1
  const own = entries.filter((_, at) => early[at] === true).map((entry, at) => dropOnly(entry, free + at, layout))
  if (first !== '') own.push(firstEntry(free + own.length, first, layout))
  return Buffer.concat([
    head,
    encodeInt(count + own.length, layout),
    ...entries.flatMap(({ before, drop, behind }, at) => [before, keeps[at] === false ? nothing : drop, behind]),
    ...own,
  ])
}

async function readEntry(fields: ArchiveFields, { minor }: Layout): Promise<ReadEntry> {
  const id = await fields.int()
  // Whether it has data, and two numbers of the catalog.
  await fields.int()
  await fields.text()
  await fields.text()
  const tag = (await fields.text()) ?? ''
  const kind = (await fields.text()) ?? ''
  const section = await fields.int()
  // The definition.
  await fields.text()
  const before = fields.taken()
  await fields.text()
  const drop = fields.taken()
  await fields.text()
  const schema = await fields.text()
  await restOfEntry(fields, minor)
  return { id, tag, kind, schema, behindRows: section === POST_DATA, drop, before, behind: fields.taken() }
}

async function restOfEntry(fields: ArchiveFields, minor: number): Promise<void> {
  // Tablespace and access method, since 17 the kind of relation, then the owner and what once were oids.
  await fields.text()
  await fields.text()
  if (minor >= WITH_RELKIND) await fields.int()
  await fields.text()
  await fields.text()
  // What it depends on, up to a text that is not there.
  while ((await fields.text()) !== null);
  await fields.offset()
}

/**
 * Entries are dropped from the last to the first, so this one is at the end. `--` in front keeps pg_restore from rewording it.
 */
function firstEntry(id: number, sql: string, layout: Layout): Buffer {
  const what = { tag: 'before all else', kind: 'HOLDFAST', schema: null, drop: encodeText(`--\n${sql}\n`, layout) }
  return dropOnly(what, id, layout)
}

/** Makes nothing, and has no owner that pg_restore would give it to. One of the first section, which is restored before the others. */
function dropOnly(
  { tag, kind, schema, drop }: Pick<ReadEntry, 'tag' | 'kind' | 'schema' | 'drop'>,
  id: number,
  layout: Layout,
): Buffer {
  const int = (value: number): Buffer => encodeInt(value, layout)
  const text = (value: string | null): Buffer => encodeText(value, layout)
  return Buffer.concat([
    int(id),
    int(0),
    text('0'),
    text('0'),
    text(tag),
    text(kind),
    int(PRE_DATA),
    text('-- nothing is made\n'),
    drop,
    text(''),
    text(schema),
    text(null),
    text(null),
    ...(layout.minor >= WITH_RELKIND ? [int(0)] : []),
    text(''),
    text('false'),
    text(null),
    Buffer.from([NO_DATA]),
    Buffer.alloc(layout.offset),
  ])
}
