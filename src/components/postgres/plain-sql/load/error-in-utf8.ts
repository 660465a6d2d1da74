import type pg from 'pg'
import { z } from 'zod'
import { query, queryOne } from '../../connection/query.ts'
import type { Statement } from '../lexer/pieces.ts'
import { runRaw } from './raw-statement.ts'

const asked = z.object({ encoding: z.string() })
const ASK = `select pg_catalog.current_setting('client_encoding') as encoding`
const converted = z.object({ text: z.string() })
const CONVERT = 'select pg_catalog.convert_from($1::pg_catalog.bytea, $2::pg_catalog.name) as text'
const SET = `select pg_catalog.set_config('client_encoding', $1, false)`
/** Names are as they are there, or nobody knows what they are in. */
const AS_THEY_ARE = new Set(['UTF8', 'SQL_ASCII'])

/**
 * How the server refuses a statement in UTF-8, which is what the driver reads: errors come in the client encoding of the dump, and so do
 * the names in them. Undefined where that is the same.
 */
export async function errorInUtf8(session: pg.Client, { text: bytes }: Statement): Promise<unknown> {
  const { encoding } = await queryOne(session, asked, ASK)
  if (AS_THEY_ARE.has(encoding)) return undefined
  await query(session, z.unknown(), SET, ['UTF8'])
  try {
    const { text } = await queryOne(session, converted, CONVERT, [bytes, encoding])
    await runRaw(session, Buffer.from(text))
    return undefined
  } catch (error) {
    return error
  } finally {
    await query(session, z.unknown(), SET, [encoding])
  }
}
