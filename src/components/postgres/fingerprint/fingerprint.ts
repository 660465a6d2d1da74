import type pg from 'pg'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { countTables, readTables, type ReadAs } from './fingerprint-tables.ts'
import { query } from '../connection/query.ts'
import type { Fingerprint } from '../schema.ts'
import { HASHING, sequencesQuery } from './table-hash.ts'

const SEQUENCES_AT_ONCE = 200
const OTHER_HASHES =
  'the point is of another release, which hashed rows in another way: numbers of rows are compared, and content is not'

/**
 * Reads the content of a database as `Fingerprint` describes it, inside the transaction that each of `sessions` is in.
 * They must see the same snapshot; several of them read tables at once. Foreign tables are not read: their rows are
 * elsewhere. Fails with `denied` rather than leave out what the role may not see.
 */
export async function readFingerprint(
  sessions: readonly pg.ClientBase[],
  definitions: readonly { readonly name: string; readonly definition: string }[],
  definitionsBy: number,
  context: Context,
  like: ReadAs = {},
): Promise<Fingerprint> {
  const [first] = sessions
  if (first === undefined) throw new Failure('bug', 'no session to read a fingerprint with')
  if (like.tables !== undefined && like.hashing !== HASHING)
    context.progress({ type: 'warning', message: OTHER_HASHES })
  return {
    hashing: HASHING,
    tables: await readTables(sessions, like, context),
    sequences: await readSequences(first),
    largeObjects: await query(first, largeObject, LARGE_OBJECTS),
    extensions: await query(first, extension, EXTENSIONS),
    objects: [...definitions],
    definitionsBy,
  }
}

/**
 * Like `readFingerprint`, but counts rows and reads no content. `counted` may be filled until the result is called; its
 * tables must be those that it has now.
 */
export async function readCounts(
  sessions: readonly pg.ClientBase[],
  counted: ReadonlyMap<string, bigint>,
  definitionsBy: number,
  context: Context,
  like: ReadAs = {},
): Promise<() => Promise<Fingerprint>> {
  const [first] = sessions
  if (first === undefined) throw new Failure('bug', 'no session to count with')
  const tables = await countTables(sessions, counted, like, context)
  const rest = {
    sequences: await readSequences(first),
    largeObjects: await query(
      first,
      z.object({ oid: z.number() }),
      'select oid from pg_largeobject_metadata order by 1',
    ),
    extensions: await query(first, extension, EXTENSIONS),
    objects: [],
    definitionsBy,
  }
  return async () => ({ counted: true, hashing: HASHING, tables: await tables(), ...rest })
}

const sequence = z.object({ name: z.string(), lastValue: z.string(), isCalled: z.boolean() })
const SEQUENCES = `
  select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'S' and c.relpersistence in ('p', 'u') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid where d.classid = 'pg_class'::regclass and d.objid = c.oid
      and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and not coalesce(c.oid = any (e.extconfig), false)) order by 1`

/** All sequences as they are now: snapshots do not hold for them. */
export async function readSequences(session: pg.ClientBase): Promise<Fingerprint['sequences']> {
  const names = await query(session, z.object({ name: z.string() }), SEQUENCES)
  const found: Fingerprint['sequences'] = []
  for (let from = 0; from < names.length; from += SEQUENCES_AT_ONCE) {
    found.push(...(await query(session, sequence, sequencesQuery(names.slice(from, from + SEQUENCES_AT_ONCE)))))
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * Sequences that were read before and after the dump. The dump holds some value between the two; where they differ the
 * later one is kept as `until`.
 */
export function sequencesBetween(
  before: Fingerprint['sequences'],
  after: Fingerprint['sequences'],
): Fingerprint['sequences'] {
  const later = new Map(after.map((one) => [one.name, one]))
  return before.map((one) => {
    const then = later.get(one.name)
    const moved = then !== undefined && (then.lastValue !== one.lastValue || then.isCalled !== one.isCalled)
    return moved ? { ...one, until: then.lastValue } : one
  })
}

const largeObject = z.object({ oid: z.number(), size: z.string(), hash: z.string() })

/** Reads large objects in pieces of 1 MiB; each piece is hashed with its number, so that pieces cannot change places. */
const LARGE_OBJECTS = `
  with recursive piece(oid, number, length, hash) as (
    select oid, 0::bigint, length(data), hash_record_extended(row(data), 0)
      from (select m.oid, lo_get(m.oid, 0, 1048576) as data from pg_largeobject_metadata m) first
    union all
    select oid, number, length(data), hash_record_extended(row(data), number)
      from (select p.oid, p.number + 1 as number, lo_get(p.oid, (p.number + 1) * 1048576, 1048576) as data from piece p where p.length = 1048576) next
  )
  select oid, sum(length)::text as size, sum(hash::numeric)::text as hash from piece group by oid order by oid`

const EXTENSIONS = 'select extname as name, extversion as version from pg_extension order by 1'
const extension = z.object({ name: z.string(), version: z.string() })
