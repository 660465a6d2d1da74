import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { Secret } from '../../src/core/secret.ts'
import { captureInto, openTarget, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const WRITERS = 4

/** A client as an impatient application has it: it comes back at once, whatever happens. */
class Writer {
  readonly acknowledged: number[] = []
  readonly #name: number
  #stopped = false
  readonly #done: Promise<void>

  constructor(name: number, database: string) {
    this.#name = name
    this.#done = this.#run(database)
  }

  async stop(): Promise<number[]> {
    this.#stopped = true
    await this.#done
    return this.acknowledged
  }

  async #run(database: string): Promise<void> {
    let next = this.#name * 1_000_000
    while (!this.#stopped) {
      const { host, port, user, password } = postgres.server
      const client = new Client({
        host,
        port,
        user,
        database,
        application_name: 'hammer',
        password: password instanceof Secret ? password.reveal() : undefined,
      })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!this.#stopped) {
          await client.query('insert into writes values ($1)', [++next])
          this.acknowledged.push(next)
        }
      } catch {
        await sleep(1)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
}

test('no acknowledged write is lost: until the fence all are in the previous database, after it in the new one', async () => {
  await postgres.createDatabase('busy')
  await sql('busy', 'create table writes (n int primary key); create table marker as select 1 as restored')
  const settings = postgres.settings('busy', { preserve: [] })
  const captured = await captureInto(settings, context)
  await sql('busy', 'drop table marker')
  const writers = Array.from({ length: WRITERS }, (_, n) => new Writer(n + 1, 'busy'))
  const target = await openTarget(settings)
  await target.load(captured.details, captured.source, context)
  await target.fence(context)
  const fenced = writers.map(({ acknowledged }) => acknowledged.length)
  assert.ok(
    fenced.every((count) => count > 0),
    String(fenced),
  )
  await target.swap(captured.details, context)
  await sleep(100)
  assert.deepEqual(
    writers.map(({ acknowledged }) => acknowledged.length),
    fenced,
    'a write was acknowledged behind the fence',
  )
  await target.reopen(context)
  const deadline = Date.now() + 10_000
  while (writers.some(({ acknowledged }, n) => acknowledged.length <= (fenced[n] ?? 0)) && Date.now() < deadline)
    await sleep(20)
  const all = await Promise.all(writers.map((writer) => writer.stop()))
  const before = all.flatMap((numbers, n) => numbers.slice(0, fenced[n]))
  const after = all.flatMap((numbers, n) => numbers.slice(fenced[n]))
  assert.ok(after.length >= WRITERS)
  const numbers = async (): Promise<number[]> => (await sql('busy', 'select n from writes')).map(({ n }) => Number(n))
  const inNew = new Set(await numbers())
  assert.deepEqual(
    after.filter((n) => !inNew.has(n)),
    [],
    'written after the swap and not in the new database',
  )
  assert.deepEqual(
    before.filter((n) => inNew.has(n)),
    [],
    'written before the fence and in the new database',
  )
  await target.undo(context)
  const inPrevious = new Set(await numbers())
  assert.deepEqual(
    before.filter((n) => !inPrevious.has(n)),
    [],
    'written before the fence and not in the previous database',
  )
  await target.forget(context)
})

test('prepared transactions are refused before anything is locked', async () => {
  await postgres.createDatabase('prepared')
  await sql('prepared', 'create table t (a int)')
  const settings = postgres.settings('prepared')
  const captured = await captureInto(settings, context)
  await postgres.sql('prepared', `begin; insert into public.t values (1); prepare transaction 'left open'`)
  const target = await openTarget(settings)
  const findings = await target.preflight(captured.details, context)
  assert.ok(findings.some(({ level, message }) => level === 'error' && message.includes('prepared')))
  await assert.rejects(target.fence(context), /prepared transactions/)
  assert.equal(await target.state(context), 'untouched')
  await postgres.sql('prepared', `rollback prepared 'left open'`)
})

test('a session that may not be ended is named, and the live database can be opened again', async () => {
  await postgres.createDatabase('stuck')
  await sql(
    'postgres',
    `drop role if exists restorer; create role restorer login createdb password 'r'; alter database stuck owner to restorer`,
  )
  await sql('stuck', 'create table t (a int)')
  const held = new Client({ ...connection(), database: 'stuck', application_name: 'the admin' })
  await held.connect()
  const clock = { ...context.clock, monotonic: fast() }
  const target = await openTarget(postgres.settings('stuck', { restoreUser: 'restorer', restorePassword: 'r' }))
  await assert.rejects(target.fence({ ...context, clock }), /1 of the admin as postgres/)
  assert.equal(await target.state(context), 'fenced')
  await target.reopen(context)
  assert.equal(await target.state(context), 'untouched')
  await held.query('select 1')
  await held.end()
})

function connection(): ClientConfig {
  const { host, port, user, password } = postgres.server
  return { host, port, user, password: password instanceof Secret ? password.reveal() : '' }
}

/** A clock on which ten seconds pass between two looks. */
function fast(): () => number {
  let now = 0
  return () => (now += 10_000)
}
