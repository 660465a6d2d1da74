import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { createServer, connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openPostgresTarget } from '../../src/components/postgres/restore/target/target.ts'
import type { Effects } from '../../src/core/ports.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { captureInto, RESTORE_ID, sourceOf } from '../parts/postgres-restore.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const postgres = await startPrivate()
const context = testContext()
const request = { mode: 'swap', restoreId: RESTORE_ID, scratchFolder: '/nonexistent' } as const

async function prepare(name: string): Promise<Awaited<ReturnType<typeof captureInto>>> {
  await postgres.createDatabase(name)
  await postgres.sql(name, 'create table public.t (a int); insert into public.t values (1)')
  const captured = await captureInto(postgres.settings(name), context)
  await postgres.sql(name, 'insert into public.t values (2)')
  return captured
}

async function rows(name: string): Promise<number> {
  return (await postgres.sql(name, 'select a from public.t')).length
}

/** Effects in which the postmaster is killed at one of them. */
function killedAt(effect: string, when: 'before' | 'behind'): Effects {
  return {
    async run(name, act) {
      if (name !== effect) return act()
      if (when === 'behind') await act()
      await postgres.process?.kill()
      return act()
    },
  }
}

const kills = [
  ['sql ALTER DATABASE side RENAME TO live', 'before', 'fenced', 2],
  ['sql COMMIT swap', 'before', 'fenced', 2],
  ['sql COMMIT swap', 'behind', 'swapped', 1],
] as const

for (const [effect, when, state, live] of kills) {
  test(`the postmaster is killed ${when} ${effect}: the live database is whole`, async () => {
    const captured = await prepare('killed')
    const target = await openPostgresTarget(postgres.settings('killed'), request, context)
    await target.load(captured.details, captured.source, context)
    await target.fence(context)
    await assert.rejects(target.swap(captured.details, { ...context, effects: killedAt(effect, when) }))
    await postgres.process?.restart()
    const later = await openPostgresTarget(postgres.settings('killed'), request, context)
    assert.equal(await later.state(context), state)
    await later.reopen(context)
    assert.equal(await rows('killed'), live)
    if (state === 'swapped') await later.undo(context)
    await later.forget(context)
    await later.discard(context)
  })
}

test('the answer to COMMIT is lost: the swap looks at the server and knows that it happened', async () => {
  const captured = await prepare('unanswered')
  const proxy = await startProxy()
  const settings = { ...postgres.settings('unanswered'), host: proxy.folder }
  const target = await openPostgresTarget(settings, request, context)
  await target.load(captured.details, captured.source, context)
  await target.fence(context)
  proxy.cutAt('COMMENT'.toLowerCase() + ' on database "unanswered"', 'commit')
  await target.swap(captured.details, context)
  assert.equal(proxy.cuts(), 1)
  assert.equal(await target.state(context), 'swapped')
  await target.reopen(context)
  assert.equal(await rows('unanswered'), 1)
})

test('pg_restore is killed: nothing is left and the live database serves', async () => {
  await postgres.createDatabase('interrupted')
  await postgres.sql('interrupted', SLOW)
  const captured = await captureInto(postgres.settings('interrupted'), context)
  await postgres.sql('interrupted', 'insert into public.t values (2)')
  const target = await openPostgresTarget(postgres.settings('interrupted'), request, context)
  const loading = assert.rejects(target.load(captured.details, captured.source, context), /pg_restore/)
  let ended: unknown[] = []
  while (ended.length === 0) ended = await postgres.sql('postgres', END_RESTORE)
  await loading
  assert.equal(await target.state(context), 'untouched')
  assert.equal(await rows('interrupted'), 2)
})

test('a cancelled load drops what it made', async () => {
  const captured = await prepare('cancelled')
  const target = await openPostgresTarget(postgres.settings('cancelled'), request, context)
  const controller = new AbortController()
  const source = {
    ...sourceOf(captured.dump),
    async *read() {
      yield captured.dump.subarray(0, 1000)
      controller.abort()
      yield captured.dump.subarray(1000)
    },
  }
  await assert.rejects(target.load(captured.details, source, { ...context, signal: controller.signal }))
  assert.equal(await target.state(context), 'untouched')
})

/** An index that takes a minute to make in a database that is restored. */
const SLOW = `create table public.t (a int); insert into public.t values (1);
  create function public.slow(a int) returns int immutable language plpgsql as
    $$ begin if current_database() like '%\\_\\_r\\_%' then perform pg_sleep(60); end if; return a; end $$;
  create index on public.t (public.slow(a))`

/** Gives a row when pg_restore was making the index. */
const END_RESTORE = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname like 'interrupted\\_\\_r\\_%' and query ilike 'create index%'`

interface Proxy {
  readonly folder: string
  /** The next time a session sends `last` after it sent `first`, the server gets it and the client no answer. */
  cutAt(first: string, last: string): void
  cuts(): number
}

/** A unix socket before the server's own. */
async function startProxy(): Promise<Proxy> {
  const folder = await makeTemporaryFolder()
  let wanted: readonly [string, string] | undefined
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(join(postgres.server.host, `.s.PGSQL.${postgres.server.port}`))
    let seen = false
    let cut = false
    client.on('data', (data) => {
      const text = data.toString('latin1')
      if (wanted !== undefined && text.includes(wanted[0])) seen = true
      if (wanted !== undefined && seen && text.includes(wanted[1])) {
        wanted = undefined
        cut = true
        cuts++
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => (cut ? client.destroy() : client.write(data)))
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
    for (const socket of [client, upstream]) socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(join(folder, `.s.PGSQL.${postgres.server.port}`), resolve))
  after(async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { folder, cutAt: (first, last) => (wanted = [first, last]), cuts: () => cuts }
}
