import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { ClientConfig } from 'pg'
import { passwordOf, withSession } from '../../src/components/postgres/connection/connection.ts'
import { startPrivate, testContext } from '../../test/parts/postgres.ts'
import { checkAcknowledged, checkSwap, startWriter } from './writer.ts'
import type { Acknowledged, SwapCheck, Writer, WriterReport } from './writer.ts'

// These tests need a real PostgreSQL server, because they kill it.

const context = testContext()
const postgres = await startPrivate()

/** A database with nothing but the ledger. */
async function makeDatabase(name: string): Promise<ClientConfig> {
  await postgres.createDatabase(name)
  await postgres.sql(
    name,
    'create schema idp; create table idp.request_ledger (id uuid primary key, writer text, written_at timestamptz default now())',
  )
  const { host, port, user } = postgres.server
  const password = await passwordOf(postgres.server)
  return { host, port, user, database: name, ...(password === undefined ? {} : { password }) }
}

async function untilCount(writer: Writer, count: number): Promise<void> {
  for (let tries = 0; tries < 500 && writer.count() < count; tries++) await context.clock.sleep(10, context.signal)
  assert.ok(writer.count() >= count, `${writer.count()} rows`)
}

function missing(database: string, ids: readonly string[]): Promise<readonly string[]> {
  return withSession(postgres.server, database, context, (client) => checkAcknowledged(client, ids))
}

function swapCheck(acknowledged: readonly Acknowledged[]): Promise<SwapCheck> {
  return withSession(postgres.server, 'app__prev', context, (previous) =>
    withSession(postgres.server, 'app', context, (live) => checkSwap({ previous, live }, acknowledged)),
  )
}

const ids = (report: WriterReport): string[] => report.acknowledged.map(({ id }) => id)

test('a writer reports each row once, and a row that is gone is found', async () => {
  const writer = await startWriter(await makeDatabase('quiet'))
  await untilCount(writer, 20)
  const report = await writer.stop()
  const [stored] = await postgres.sql('quiet', 'select count(*)::int as n from idp.request_ledger')
  assert.deepEqual(stored, { n: report.acknowledged.length })
  assert.deepEqual([report.errors, report.unknown, await missing('quiet', ids(report))], [[], [], []])
  const victim = ids(report)[3] ?? ''
  await postgres.sql('quiet', `delete from idp.request_ledger where id = '${victim}'`)
  assert.deepEqual(await missing('quiet', ids(report)), [victim])
})

test('a writer comes back after its server was killed, and measures how long it could not write', async () => {
  const writer = await startWriter(await makeDatabase('killed'))
  await untilCount(writer, 20)
  await postgres.process?.kill()
  await context.clock.sleep(300, context.signal)
  await postgres.process?.restart()
  const before = writer.count()
  await untilCount(writer, before + 20)
  const report = await writer.stop()
  assert.ok(report.longestGapMs >= 300 && report.longestGapMs < 20_000, `${report.longestGapMs} ms`)
  assert.ok(report.errors.length > 0 && report.unknown.length <= report.errors.length)
  assert.deepEqual(await missing('killed', ids(report)), [])
})

test('a writer that cannot connect at all fails at once', async () => {
  const connection = await makeDatabase('gone')
  await postgres.dropDatabase('gone')
  await assert.rejects(startWriter(connection), /does not exist/)
})

/** Swaps as a restore does: fence, end all sessions, two renames, open. Half-done on purpose when there is no fence. */
async function swap(): Promise<void> {
  await postgres.sql('postgres', `alter database app allow_connections false`)
  await postgres.sql('postgres', `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = 'app'`)
  await postgres.sql(
    'postgres',
    `begin; alter database app rename to app__prev; alter database app__side rename to app; commit`,
  )
}

test('after a swap every row is in the old or the new database, and holes in the fence are seen', async () => {
  const connection = await makeDatabase('app')
  await postgres.createDatabase('app__side', 'template app')
  const writer = await startWriter(connection)
  await untilCount(writer, 20)
  await swap()
  await postgres.sql('postgres', `alter database app__prev allow_connections true`)
  const before = writer.count()
  await untilCount(writer, before + 20)
  const report = await writer.stop()

  const check = await swapCheck(report.acknowledged)
  assert.deepEqual([check.lost, check.behindFence], [[], []])
  assert.ok(check.beforeSwap >= 20 && check.afterSwap >= 20, JSON.stringify(check))
  assert.equal(check.beforeSwap + check.afterSwap, report.acknowledged.length)

  const [first = '', last = ''] = [ids(report)[2], ids(report).at(-1)]
  const lost = { id: randomUUID(), at: new Date() }
  assert.deepEqual((await swapCheck([...report.acknowledged, lost])).lost, [lost.id])
  const late = { id: first, at: new Date() }
  assert.deepEqual((await swapCheck([...report.acknowledged, late])).behindFence, [first])
  await postgres.sql('app', `delete from idp.request_ledger where id = '${last}'`)
  assert.deepEqual((await swapCheck(report.acknowledged)).lost, [last])
  await postgres.sql('app__prev', `delete from idp.request_ledger where id = '${first}'`)
  assert.ok((await swapCheck(report.acknowledged)).lost.includes(first))
})
