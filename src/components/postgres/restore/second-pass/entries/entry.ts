import { Failure } from '../../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../../core/ports.ts'
import { withNamelessFile } from '../../../../../system/files/anonymous-file.ts'
import { stream } from '../../../../../system/process/run.ts'
import { bytesOf } from '../../../capture/dump-contents.ts'
import type { LoadTarget } from '../../load/load.ts'
import type { Dump } from '../../load/staged-dump.ts'

/** What a dump holds for one object. */
export interface Entry {
  /** Kind, schema and name, as a fingerprint names objects: `TRIGGER public users touch`. */
  readonly name: string
  /** `TRIGGER`, `TABLE DATA`, … */
  readonly kind: string
  readonly schema: string
  /** Without its schema, as pg_dump shows it: that of a trigger has its table before it. */
  readonly tag: string
  readonly owner: string
  /** The statements that make it. Of rows: the COPY statement alone. */
  readonly sql: string
}

/** The second line of the comment before each object. */
const HEADER = /^-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*?); Owner: (.*)$/m
const FOOTER = '\n--\n-- PostgreSQL database dump complete\n--\n'
const COPY = /^COPY [\s\S]*? FROM stdin;\n/m
/** Behind the last row. */
const END_OF_ROWS = Buffer.from('\n\\.\n')
/** More than the statements of any object should have, and than a COPY statement needs. */
const MOST_BYTES = 64 * 1024 * 1024

/** The text that pg_restore would send for this line of the list of contents. */
function script(place: LoadTarget, dump: Dump, line: string, context: Context): Bytes {
  const options = {
    file: place.tools.pgRestore,
    signal: context.signal,
    idleLimit: place.limits.totalLimit,
    totalLimit: place.limits.totalLimit,
  }
  const args = ['--format=custom', '--file=-']
  return listed(line, (list) =>
    dump.kind === 'file'
      ? stream({ ...options, args: [...args, `--use-list=${list}`, '--', dump.path] })
      : stream({ ...options, args: [...args, `--use-list=${list}`] }, dump.read()),
  )
}

async function* listed(line: string, read: (list: string) => Bytes): Bytes {
  const list = Promise.withResolvers<string>()
  const done = Promise.withResolvers<void>()
  const file = withNamelessFile(bytesOf(line), async (path) => {
    list.resolve(path)
    await done.promise
  })
  file.catch(list.reject)
  try {
    yield* read(await list.promise)
  } finally {
    done.resolve()
    await file
  }
}

/** Reads one entry that makes an object. The text is in the encoding of the database; only UTF-8 and ASCII are taken. */
export async function readEntry(place: LoadTarget, dump: Dump, line: string, context: Context): Promise<Entry> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of script(place, dump, line, context)) {
    length += chunk.length
    if (length > MOST_BYTES)
      throw new Failure('unsupported', `the definition of ${line} has more than ${MOST_BYTES} bytes`)
    chunks.push(Uint8Array.from(chunk))
  }
  return parseEntry(Buffer.concat(chunks).toString('utf8'), line)
}

/** Pure: the one object in a script of pg_restore. */
function parseEntry(text: string, line: string): Entry {
  const header = HEADER.exec(text)
  if (header === null) throw new Failure('toolFailed', `pg_restore gave no definition of ${line}`)
  const [, tag = '', kind = '', schema = '', owner = ''] = header
  const end = text.lastIndexOf(FOOTER)
  const sql = text.slice(header.index + header[0].length, end === -1 ? undefined : end)
  const name = [kind, ...(schema === '-' ? [] : [schema]), tag].join(' ')
  return { name, kind, schema, tag, owner: owner === '-' ? '' : owner, sql: sql.replace(/^\n--\n/, '\n').trim() }
}

/** The rows of one entry: its COPY statement, and a stream of what follows it. */
export interface EntryRows {
  readonly statement: string
  readonly rows: Bytes
}

/** Opens the rows of an entry; `use` must read them to their end. */
export async function withRows<Result>(
  place: LoadTarget,
  dump: Dump,
  line: string,
  use: (rows: EntryRows) => Promise<Result>,
  context: Context,
): Promise<Result> {
  const chunks = script(place, dump, line, context)[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done === true) throw new Failure('toolFailed', `pg_restore gave no rows of ${line}`)
      head = Buffer.concat([head, next.value])
      // Latin-1 keeps every byte in its place.
      const found = COPY.exec(head.toString('latin1'))
      if (found === null && head.length < MOST_BYTES) continue
      if (found === null) throw new Failure('toolFailed', `pg_restore gave no COPY statement of ${line}`)
      const from = found.index + found[0].length
      const statement = Buffer.from(found[0], 'latin1').toString('utf8').trim().replace(/;$/, '')
      return await use({ statement, rows: untilEnd(head.subarray(from), chunks, line) })
    }
  } finally {
    await chunks.return?.()
  }
}

/** Everything before the line that ends the rows; that line must come. */
async function* untilEnd(first: Buffer, chunks: AsyncIterator<Uint8Array>, line: string): Bytes {
  // An empty table's end has no line before it.
  let held = Buffer.concat([Buffer.from('\n'), first])
  let skipped = 1
  for (;;) {
    const end = held.indexOf(END_OF_ROWS)
    if (end !== -1) {
      if (end + 1 > skipped) yield held.subarray(skipped, end + 1)
      return
    }
    const sure = held.length - END_OF_ROWS.length
    if (sure > skipped) {
      yield Buffer.from(held.subarray(skipped, sure))
      held = held.subarray(sure)
      skipped = 0
    }
    const next = await chunks.next()
    if (next.done === true) throw new Failure('corrupt', `the rows of ${line} are cut off`)
    held = Buffer.concat([held, next.value])
  }
}
