import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { listed, ofExtension, OUR_SCHEMAS } from './check-catalog.ts'
import { FIRST_OWN_OID, plannable, plannableTree } from './plannable.ts'
import { query } from '../connection/query.ts'
import { sqlState } from '../restore/target/database-target.ts'

/** A question about stored rows, whose answer costs reading them. */
const probe = z.object({
  name: z.string(),
  bytes: z.coerce.number(),
  sql: z.string(),
  /** Whether it runs nothing but what is built in. */
  safe: z.boolean(),
})
type Probe = z.infer<typeof probe>

/** What of a table can be looked through in a second, with room for a busy server. */
const BYTES_PER_SECOND = 16 * 1024 * 1024
const BYTES = (oid: string): string =>
  `coalesce((select sum(pg_relation_size(t.relid)) from pg_partition_tree(${oid}) t), pg_relation_size(${oid}))`

const BUILT_IN_KEY = `o.oprcode < ${FIRST_OWN_OID} and f.atttypid < ${FIRST_OWN_OID} and t.atttypid < ${FIRST_OWN_OID}`

/**
 * Foreign keys whose rows were never checked, for example because triggers were off when they came in: the key
 * looks valid, and PostgreSQL does not make it again as such. Only with operators and types of the server itself, and between tables that a
 * statement may be planned over: others would run the code of whoever made them with the rights of this session.
 */
const FOREIGN_KEYS = `
  select k.conrelid::regclass::text || ' ' || quote_ident(k.conname) as name, ${BYTES('k.conrelid')} + ${BYTES('k.confrelid')} as bytes,
    format('select 1 from %s%s c where %s and not exists (select from %s%s p where %s) limit 1',
      case c.relkind when 'r' then 'only ' else '' end, k.conrelid::regclass, string_agg(format('c.%I is not null', f.attname), ' and '),
      case r.relkind when 'r' then 'only ' else '' end, k.confrelid::regclass,
      string_agg(format('p.%I operator(%s.%s) c.%I', t.attname, o.oprnamespace::regnamespace, o.oprname, f.attname), ' and ')) as sql,
    bool_and(${BUILT_IN_KEY}) and ${plannableTree('k.conrelid')} and ${plannableTree('k.confrelid')} as safe
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
    cross join unnest(k.conkey, k.confkey, k.conpfeqop) u(child, parent, operator)
    join pg_attribute f on f.attrelid = k.conrelid and f.attnum = u.child join pg_attribute t on t.attrelid = k.confrelid and t.attnum = u.parent join pg_operator o on o.oid = u.operator
  where k.contype = 'f' and k.conparentid = 0 and k.convalidated and c.relkind in ('r', 'p')
  group by k.oid, k.conrelid, k.confrelid, k.conname, c.relkind, r.relkind order by 2, 1`

const BUILT_IN_INDEX = `not exists (select from unnest(i.indclass::oid[]) used(id) where used.id >= ${FIRST_OWN_OID})
  and not exists (select from pg_attribute a join pg_type y on y.oid = a.atttypid where a.attrelid = i.indexrelid and y.oid >= ${FIRST_OWN_OID} and y.typtype <> 'e')`

/** Indexes that amcheck can compare with their tables; expressions and operator classes would run the code of whoever made them. */
const INDEXES = `
  select i.indexrelid::regclass::text as name, pg_relation_size(i.indexrelid) + pg_relation_size(i.indrelid) as bytes,
    format('select %s.bt_index_check(%s::regclass, %L::boolean)', e.extnamespace::regnamespace, quote_literal(i.indexrelid::regclass), i.indexprs is null and i.indpred is null) as sql,
    ${BUILT_IN_INDEX} and ${plannable('i.indrelid')} as safe
  from pg_extension e, pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
  where e.extname = 'amcheck' and i.indisvalid and i.indisready and c.relkind = 'i' and c.relam = (select oid from pg_am where amname = 'btree') and t.relpersistence <> 't' and ${OUR_SCHEMAS}
  order by 2, 1`

/** Whether amcheck is there, and this role may call it. */
const AMCHECK = `select count(p.oid) > 0 as present, coalesce(bool_and(has_function_privilege(p.oid, 'execute')), false) as allowed
  from pg_extension e join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.classid = 'pg_proc'::regclass
    join pg_proc p on p.oid = d.objid and p.proname = 'bt_index_check' and p.proargtypes = '2205 16'::oidvector where e.extname = 'amcheck'`

/** Constraints that only their own code can judge; see above why it is not run here. */
const UNJUDGED = `select distinct k.conrelid::regclass::text || ' ' || quote_ident(k.conname) as name from pg_constraint k
  join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.refclassid = 'pg_proc'::regclass and d.refobjid >= 16384
  where k.contype = 'c' and k.conrelid <> 0 and not ${ofExtension('pg_proc', 'd.refobjid')} order by 1`

/** Looks for rows that could not be restored, smallest tables first, for at most `seconds`. The rest is said to be untested. */
export async function checkRows(
  client: pg.ClientBase,
  database: string,
  seconds: number,
  context: Context,
): Promise<Finding[]> {
  const hurry = new TimeBudget(seconds, context)
  const unjudged = await query(client, z.object({ name: z.string() }), UNJUDGED)
  return [
    ...(await checkForeignKeys(client, database, hurry)),
    ...(await checkIndexes(client, database, hurry)),
    ...untested(
      `database ${database}: constraints that call functions`,
      'only a drill tells whether all rows pass',
      unjudged.map(({ name }) => name),
    ),
  ]
}

async function checkForeignKeys(client: pg.ClientBase, database: string, hurry: TimeBudget): Promise<Finding[]> {
  const subject = `database ${database}: foreign keys`
  const { wrong, skipped, unsafe, looked } = await hurry.ask(client, await query(client, probe, FOREIGN_KEYS))
  const error: Finding = {
    level: 'error',
    subject,
    message: `hold rows that refer to nothing, so a restore makes the key NOT VALID: ${listed(wrong)}`,
    hint: 'Correct those rows; ALTER TABLE … DROP CONSTRAINT and ADD CONSTRAINT checks them all. Between partitioned tables there is no NOT VALID: a restore then takes --accept without-constraints.',
  }
  return [
    ...(wrong.length > 0 ? [error] : []),
    ...(wrong.length === 0 && looked > 0 ? [{ level: 'ok', subject, message: `${looked} hold` } as const] : []),
    ...untested(subject, hurry.why, skipped),
    ...untested(subject, UNSAFE, unsafe),
  ]
}

async function checkIndexes(client: pg.ClientBase, database: string, hurry: TimeBudget): Promise<Finding[]> {
  const subject = `database ${database}: damaged indexes`
  const [amcheck] = await query(client, z.object({ present: z.boolean(), allowed: z.boolean() }), AMCHECK)
  if (amcheck?.present !== true)
    return [{ level: 'untested', subject, message: 'the extension amcheck is not in the database' }]
  if (!amcheck.allowed)
    return [{ level: 'untested', subject, message: 'the role may not execute bt_index_check of amcheck' }]
  const { wrong, skipped, unsafe, looked } = await hurry.ask(client, await query(client, probe, INDEXES))
  const error: Finding = {
    level: 'error',
    subject,
    message: `found by amcheck, and a unique one may have let duplicates in: ${listed(wrong)}`,
    hint: 'REINDEX each; remove duplicates first if that fails.',
  }
  return [
    ...(wrong.length > 0 ? [error] : []),
    ...(wrong.length === 0 && looked > 0 ? [{ level: 'ok', subject, message: `${looked} are whole` } as const] : []),
    ...untested(subject, hurry.why, skipped),
    ...untested(subject, UNSAFE, unsafe),
  ]
}

function untested(subject: string, message: string, names: readonly string[]): Finding[] {
  return names.length === 0 ? [] : [{ level: 'untested', subject, message: `${message}: ${listed(names)}` }]
}

const UNSAFE = 'not looked through, as that would run code of the database; a drill does'

interface Answers {
  readonly wrong: string[]
  readonly skipped: string[]
  readonly unsafe: string[]
  looked: number
}

/** The time that all probes share. */
class TimeBudget {
  readonly why: string
  readonly #deadline: number
  readonly #most: number
  readonly #context: Context

  constructor(seconds: number, context: Context) {
    this.why = `not looked through in ${seconds} s (rowCheckSeconds); a drill checks them all`
    this.#deadline = context.clock.monotonic() + seconds * 1000
    this.#most = seconds * BYTES_PER_SECOND
    this.#context = context
  }

  async ask(client: pg.ClientBase, probes: readonly Probe[]): Promise<Answers> {
    const answers: Answers = { wrong: [], skipped: [], unsafe: [], looked: 0 }
    for (const one of probes) {
      const left = Math.floor(this.#deadline - this.#context.clock.monotonic())
      if (!one.safe) answers.unsafe.push(one.name)
      else if (one.bytes > this.#most || left <= 0) answers.skipped.push(one.name)
      else await this.#askOne(client, one, left, answers)
    }
    return answers
  }

  async #askOne(client: pg.ClientBase, { name, sql }: Probe, left: number, answers: Answers): Promise<void> {
    try {
      await query(client, z.unknown(), 'begin read only')
      await query(client, z.unknown(), `set local statement_timeout = ${left}`)
      const found = await query(client, z.record(z.string(), z.unknown()), sql)
      answers.looked += 1
      if (found.some((row) => '?column?' in row)) answers.wrong.push(name)
    } catch (error) {
      // Damage is the answer; no time and no right to read mean that there is none.
      if (DAMAGE.has(sqlState(error))) answers.wrong.push(name)
      else if (NO_ANSWER.has(sqlState(error))) answers.skipped.push(name)
      else throw error
    } finally {
      await query(client, z.unknown(), 'rollback')
    }
  }
}

/** data_corrupted, index_corrupted */
const DAMAGE = new Set(['XX001', 'XX002'])
/** query_canceled, insufficient_privilege (also of row security), lock_not_available */
const NO_ANSWER = new Set(['57014', '42501', '55P03'])
