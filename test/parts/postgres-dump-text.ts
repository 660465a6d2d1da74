import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DUMP_OPTIONS } from '../../src/components/postgres/fingerprint/definitions.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import type { Server } from '../../src/components/postgres/connection/connection.ts'
import { query } from '../../src/components/postgres/connection/query.ts'
import { streamTool } from '../../src/components/postgres/tools/tool-run.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { testContext } from './postgres.ts'

const LIMITS = { idleLimit: 300_000, totalLimit: 1_800_000 }
/** `\restrict` and `\unrestrict` have a token that is new in every dump. */
const TOKEN = /^\\(?:un)?restrict [A-Za-z0-9]+$/

/**
 * Tables that inherit come back with the columns of their parents first, whatever was added when; that is how pg_dump
 * brings them. Their content and definition are compared by the fingerprint.
 */
const INHERITING = `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where not c.relispartition and exists (select from pg_inherits i where i.inhrelid = c.oid)`

/** What differs between the text that pg_dump gives of two databases, as unified lines; empty when they are equal. */
export async function compareDumpTexts(server: Server, version: number, one: string, other: string): Promise<string[]> {
  return differingLines(await dumpLines(server, version, one), await dumpLines(server, version, other))
}

/** What differs between two texts of `dumpLines`, as unified lines. */
export function differingLines(a: readonly string[], b: readonly string[]): string[] {
  const differing: string[] = []
  for (let n = 0; n < Math.max(a.length, b.length) && differing.length < 20; n++)
    if (a[n] !== b[n]) differing.push(`- ${show(a[n])}`, `+ ${show(b[n])}`)
  return differing
}

/** The text that pg_dump gives of a database. Long lines by their hash: the rows of a gigabyte would not fit into memory. */
export async function dumpLines(server: Server, version: number, database: string): Promise<string[]> {
  const context = testContext()
  const tools = await chooseTools(version, {}, context)
  const call = {
    tools,
    program: 'pg_dump',
    args: [...DUMP_OPTIONS, ...(await withoutInheriting(server, database))],
    server,
    database,
    limits: LIMITS,
  } as const
  const lines: string[] = []
  let pieces: string[] = []
  for await (const chunk of streamTool(call, context)) {
    const [first = '', ...parts] = Buffer.from(chunk).toString('latin1').split('\n')
    // A line of megabytes comes in many chunks; they are put together once.
    pieces.push(first)
    for (const part of parts) {
      const line = pieces.join('')
      if (!TOKEN.test(line)) lines.push(short(line))
      pieces = [part]
    }
  }
  return withRowsSorted([...lines, pieces.join('')])
}

/** The rows of a table are a set: lanes that are loaded side by side leave them in another order. */
function withRowsSorted(lines: readonly string[]): string[] {
  const sorted: string[] = []
  let rows: string[] | undefined
  for (const line of lines) {
    if (rows !== undefined && line !== '\\.') rows.push(line)
    else {
      // Not spread: a function takes only so many arguments.
      for (const row of (rows ?? []).sort()) sorted.push(row)
      sorted.push(line)
      rows = /^COPY .* FROM stdin;$/.test(line) ? [] : undefined
    }
  }
  return sorted
}

function short(line: string): string {
  return line.length < 2_000
    ? line
    : `${line.slice(0, 200)} … ${createHash('sha256').update(line, 'latin1').digest('hex')}`
}

function show(line: string | undefined): string {
  return line === undefined ? '(end)' : Buffer.from(line, 'latin1').toString('utf8')
}

async function withoutInheriting(server: Server, database: string): Promise<string[]> {
  const tables = await withSession(server, database, testContext(), (client) =>
    query(client, z.object({ name: z.string() }), INHERITING),
  )
  return tables.map(({ name }) => `--exclude-table=${name}`)
}
