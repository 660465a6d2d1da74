import type pg from 'pg'
import { z } from 'zod'
import { queryOne } from './query.ts'

const IS_THERE = `select exists (select from pg_namespace where nspname = 'public') as there`

/** Every new database has a schema `public`. pg_dump does not say that it was dropped. */
export async function hasPublicSchema(session: pg.ClientBase): Promise<boolean> {
  return (await queryOne(session, z.object({ there: z.boolean() }), IS_THERE)).there
}
