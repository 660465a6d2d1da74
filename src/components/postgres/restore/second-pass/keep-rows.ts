import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Context } from '../../../../core/ports.ts'
import { identifier, literal } from '../../connection/connection.ts'
import { pipeToTool } from '../../tools/pipe-to-tool.ts'
import type { EntryRows } from './entries/entry.ts'
import type { Exempt } from './way.ts'

/** Where rows of extensions that cannot be made are kept. */
export const KEPT_SCHEMA = 'holdfast_kept'

/** `COPY "cron"."job" ("jobid", "schedule") FROM stdin`; every name is quoted. */
const STATEMENT = /^COPY ("(?:[^"]|"")*")\.("(?:[^"]|"")*") \((.*)\) FROM stdin$/s

/**
 * Puts rows whose table is not there into a table of text columns, named `schema.table`, so that they can be taken from it later.
 * Gives what is there in addition.
 */
export async function keepRows(
  session: pg.Client,
  { statement, rows }: EntryRows,
  { encoding }: { readonly encoding: string },
  { effects, signal }: Context,
): Promise<Exempt> {
  const [, schema = '', table = '', columns = ''] = STATEMENT.exec(statement) ?? []
  const plain = `${unquoted(schema)}.${unquoted(table)}`
  const name = `${KEPT_SCHEMA}.${identifier(plain)}`
  const list = columns.match(/"(?:[^"]|"")*"/g) ?? []
  await effects.run('sql second pass keep rows', async () => {
    await session.query(`create schema if not exists ${KEPT_SCHEMA}`)
    await session.query(`create table ${name} (${list.map((column) => `${column} text`).join(', ')})`)
    const copy = `copy ${name} (${columns}) from stdin with (encoding ${literal(encoding)})`
    await pipeToTool(rows, (input) => pipeline(input, session.query(copyFrom(copy)), { signal }))
  })
  return { objects: [`SCHEMA ${KEPT_SCHEMA}`, `TABLE ${KEPT_SCHEMA} ${plain}`], relations: [name], extensions: [] }
}

function unquoted(name: string): string {
  return name.slice(1, -1).replaceAll('""', '"')
}
