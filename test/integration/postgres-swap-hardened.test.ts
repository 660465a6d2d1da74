import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RestoreTarget } from '../../src/components/target.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import type { Context, Effects } from '../../src/core/ports.ts'
import { startPgBouncer } from '../parts/pgbouncer.ts'
import { clientConfig, connectClient, EagerWriter } from '../parts/postgres-clients.ts'
import { captureInto, openTarget, restoreWhole, RESTORE_ID, sql } from '../parts/postgres-restore.ts'
import type { CapturedDatabase } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()

async function prepare(
  database: string,
): Promise<{ target: RestoreTarget<PostgresDetails>; captured: CapturedDatabase }> {
  await postgres.createDatabase(database)
  await sql(database, 'create table writes (n int primary key); insert into writes values (-1)')
  const captured = await captureInto(postgres.settings(database), context)
  return { captured, target: await openTarget(postgres.settings(database)) }
}

/** A context in which `act` runs right before or after the effect of this name, once. */
function meddling(name: string, when: 'before' | 'after', act: () => Promise<void>): Context {
  let left = 1
  const run: Effects['run'] = async (effect, body) => {
    const now = effect === name && left-- > 0
    if (now && when === 'before') await act()
    const result = await body()
    if (now && when === 'after') await act()
    return result
  }
  return testContext({ effects: { run } })
}

test('a long query, a session idle in a transaction and clients that come back at once are all fenced', async () => {
  const { target, captured } = await prepare('fenced')
  const config = clientConfig(postgres.server, 'fenced')
  const long = await connectClient(config)
  const running = assert.rejects(long.query(`insert into public.writes select -2 from pg_sleep(120)`), /terminat/)
  const idle = await connectClient(config)
  await idle.query('begin; insert into public.writes values (-3)')
  const writers = [1, 2, 3].map((n) => new EagerWriter(config, 'public.writes', n * 1_000_000))
  await Promise.all(writers.map((writer) => writer.more(5)))
  await restoreWhole(target, captured, context)
  await Promise.all(writers.map((writer) => writer.more(5)))
  await Promise.all(writers.map((writer) => writer.stop()))
  await running
  await assert.rejects(idle.query('commit'))
  assert.deepEqual(await sql('fenced', 'select n from writes where n < -1'), [])
  const gap = Math.max(...writers.map(({ longestGap }) => longestGap))
  assert.ok(gap < 5_000, `the longest silence that a client saw was ${gap} ms`)
  await target.forget(context)
})

test('prepared transactions are named before anything is touched, and one prepared at the last moment stops the fence', async () => {
  const { target, captured } = await prepare('prepared')
  const late = await connectClient(clientConfig(postgres.server, 'prepared'))
  await late.query(`begin; insert into public.writes values (1); prepare transaction 'it''s early'`)
  const findings = await target.preflight(captured.details, context)
  assert.ok(findings.some(({ level, message }) => level === 'error' && message.includes(`'it''s early'`)))
  await assert.rejects(target.fence(context), { kind: 'refused', message: /'it''s early'/ })
  assert.equal(await target.state(context), 'untouched')
  await late.query(`rollback prepared 'it''s early'`)
  await late.query('begin; insert into public.writes values (2)')
  const lastMoment = meddling('sql ALTER DATABASE live ALLOW_CONNECTIONS false', 'after', async () => {
    await late.query(`prepare transaction 'late'`)
  })
  await assert.rejects(target.fence(lastMoment), { kind: 'refused', message: /'late'/ })
  await target.reopen(context)
  assert.equal(await target.state(context), 'untouched')
  await postgres.sql('prepared', `commit prepared 'late'`)
  await late.end()
  assert.deepEqual(await sql('prepared', 'select n from writes order by 1'), [{ n: -1 }, { n: 2 }])
})

test('slots and subscriptions are named before, and a kept database with a subscription says how to let it go', async () => {
  const { target } = await prepare('replicated')
  await postgres.createDatabase('publisher')
  await sql('publisher', 'create table t (a int); create publication source for table t')
  await postgres.sql('publisher', `select pg_create_logical_replication_slot('from_publisher', 'pgoutput')`)
  await sql('replicated', 'create table t (a int); create publication mine for table t')
  await postgres.sql('replicated', `select pg_create_logical_replication_slot('mine_slot', 'pgoutput')`)
  await postgres.sql(
    'replicated',
    `create subscription "my sub" connection 'dbname=publisher' publication source
    with (connect = false, slot_name = 'from_publisher')`,
  )
  const captured = await captureInto(postgres.settings('replicated'), context)
  const messages = (await target.preflight(captured.details, context)).map(
    ({ subject, message }) => `${subject} ${message}`,
  )
  for (const expected of [
    /replication slot mine_slot stays/,
    /subscription my sub \(slot from_publisher\) stays/,
    /PUBLICATION mine/,
  ])
    assert.ok(
      messages.some((message) => expected.test(message)),
      `${expected} in ${messages.join('\n')}`,
    )
  await restoreWhole(target, captured, context)
  await assert.rejects(target.forget(context), { kind: 'refused', message: /"my sub"/, hint: /slot_name = NONE/ })
  const previous = `replicated__prev_${RESTORE_ID}`
  await sql('postgres', `alter database ${previous} allow_connections true`)
  for (const statement of ['disable', 'set (slot_name = none)'])
    await postgres.sql(previous, `alter subscription "my sub" ${statement}`)
  await postgres.sql(previous, `drop subscription "my sub"`)
  await target.forget(context)
  await sql('replicated', 'alter subscription "my sub" set (slot_name = none)')
  await sql('replicated', 'drop subscription "my sub"')
  await sql('publisher', `select pg_drop_replication_slot('from_publisher')`)
})

for (const [what, breaks] of [['an index that cannot be built', 'create index on writes (fails_beside(n))']] as const) {
  test(`${what} in the restored copy leaves the live database as it was`, async () => {
    const { target } = await prepare('breaks')
    await sql(
      'breaks',
      `create function fails_beside(n int) returns int language plpgsql immutable as
      $$ begin if current_database() like '%r@_%' escape '@' then raise 'planted'; end if; return n; end $$; ${breaks}`,
    )
    await sql('breaks', 'insert into writes select generate_series(1, 1000); analyze writes')
    const captured = await captureInto(postgres.settings('breaks'), context)
    const writer = new EagerWriter(clientConfig(postgres.server, 'breaks'), 'public.writes', 1_000_000)
    await assert.rejects(target.load(captured.details, captured.source, context), /planted/)
    await writer.more(5)
    await writer.stop()
    assert.equal(writer.errors.size, 0, [...writer.errors].join('; '))
    assert.equal(await target.state(context), 'untouched')
    assert.deepEqual(await sql('postgres', `select datname from pg_database where datname like 'breaks%'`), [
      { datname: 'breaks' },
    ])
  })
}

for (const moment of ['swap', 'undo'] as const) {
  test(`a session that slips in is ended and the ${moment} is tried again`, async () => {
    const { target, captured } = await prepare('slipped')
    const effect =
      moment === 'swap' ? 'sql ALTER DATABASE live RENAME TO previous' : 'sql ALTER DATABASE live RENAME TO undone'
    const notes: string[] = []
    const slippery = meddling(effect, 'before', async () => {
      await sql('postgres', 'alter database slipped allow_connections true')
      await connectClient(clientConfig(postgres.server, 'slipped'))
      await sql('postgres', 'alter database slipped allow_connections false')
    })
    const listening = {
      ...slippery,
      progress: (event: Parameters<Context['progress']>[0]) => notes.push(JSON.stringify(event)),
    }
    await restoreWhole(target, captured, moment === 'swap' ? listening : context)
    assert.equal(await target.state(context), 'swapped')
    if (moment === 'undo') await target.undo(listening)
    assert.ok(
      notes.some((note) => note.includes('tried again')),
      notes.join('\n'),
    )
    if (moment === 'swap') await target.undo(context)
    assert.deepEqual(await sql('slipped', 'select n from writes'), [{ n: -1 }])
    await target.forget(context)
  })
}

for (const mode of ['session', 'transaction'] as const) {
  test(`behind PgBouncer in ${mode} mode no write is lost, none slips in, and clients come back`, async () => {
    const { target, captured } = await prepare('pooled')
    const bouncer = await startPgBouncer(postgres.server, {
      pool_mode: mode,
      default_pool_size: 4,
      server_login_retry: 1,
    })
    try {
      const config = { ...clientConfig(postgres.server, 'pooled'), host: bouncer.host, port: bouncer.port }
      const writers = [1, 2, 3].map((n) => new EagerWriter(config, 'public.writes', n * 1_000_000))
      await Promise.all(writers.map((writer) => writer.more(5)))
      await target.load(captured.details, captured.source, context)
      await target.fence(context)
      const fenced = performance.now()
      await sleep(300)
      assert.ok(
        writers.every(({ acknowledged }) => (acknowledged.at(-1)?.at ?? 0) < fenced),
        'written behind the fence',
      )
      await target.swap(captured.details, context)
      const opened = performance.now()
      await target.reopen(context)
      await Promise.all(writers.map((writer) => writer.more(5)))
      const all = (await Promise.all(writers.map((writer) => writer.stop()))).flat()
      const now = new Set((await sql('pooled', 'select n from writes')).map(({ n }) => n))
      for (const { n, at } of all) assert.equal(now.has(n), at > opened, `row ${n}`)
      await target.undo(context)
      const then = new Set((await sql('pooled', 'select n from writes')).map(({ n }) => n))
      for (const { n, at } of all) if (at < fenced) assert.ok(then.has(n), `row ${n} was acknowledged and is gone`)
      await target.forget(context)
    } finally {
      await bouncer.stop()
    }
  })
}

test('a previous database that is a template can be let go', async () => {
  const { target, captured } = await prepare('stencil')
  await sql('postgres', 'alter database stencil is_template true')
  await restoreWhole(target, captured, context)
  await target.forget(context)
  assert.deepEqual(
    await sql('postgres', `select datname::text, datistemplate from pg_database where datname like 'stencil%'`),
    [{ datname: 'stencil', datistemplate: false }],
  )
})

test('how long an application has no answer is seen by a client, which leaves no session behind', async () => {
  const { target, captured } = await prepare('silent')
  const sessions = `select count(*)::int as n from pg_stat_activity where datname = 'silent'`
  const abandoned = await target.watch?.(context)
  await abandoned?.abandon()
  assert.deepEqual([abandoned === undefined, await sql('postgres', sessions)], [false, [{ n: 0 }]])
  await target.load(captured.details, captured.source, context)
  const watch = await target.watch?.(context)
  await sleep(100)
  await target.fence(context)
  await sleep(400)
  await target.swap(captured.details, context)
  await target.reopen(context)
  const silence = (await watch?.stop()) ?? 0
  assert.ok(silence >= 400 && silence < 5_000, String(silence))
  assert.deepEqual(await sql('postgres', sessions), [{ n: 0 }])
  // Closed for good: nobody waits for ever, and nobody is watched where nobody can be.
  const late = await target.watch?.(context)
  await sql(
    'postgres',
    `alter database silent allow_connections false; select pg_terminate_backend(pid) from pg_stat_activity where datname = 'silent'`,
  )
  assert.equal(await late?.stop(), undefined)
  assert.equal(await target.watch?.(context), undefined)
  await sql('postgres', 'alter database silent allow_connections true')
  await target.forget(context)
})
