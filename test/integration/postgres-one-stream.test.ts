import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { check } from '../../src/components/postgres/check/check.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import { startPgBouncer } from '../parts/pgbouncer.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import type { Stored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import { caughtUp, startStandby } from '../parts/postgres-standby.ts'

const postgres = await startPrivate()
const standby = await startStandby(postgres)
const context = testContext()

/** A table for lanes, and one that moves. */
const TABLES = `create table public.large as select n, repeat(md5(n::text), 20) as filler from generate_series(1, 40000) n;
  create table public.steady as select n from generate_series(1, 100) n;
  create table public.moving (n int); create sequence public.ids; select nextval('public.ids'); select lo_from_bytea(0, 'large object')`

async function make(database: string): Promise<void> {
  await postgres.createDatabase(database)
  await postgres.sql(database, TABLES)
}

async function differences(
  { details, source }: Stored,
  settings: PostgresSettings,
  meanwhile?: () => Promise<unknown>,
): Promise<string[]> {
  const target = await openTarget(settings)
  await target.load(details, source, context)
  await meanwhile?.()
  const found = await target.compare(details, context)
  await target.discard(context)
  return found.map(({ subject }) => subject)
}

/** May read everything, over so many sessions. */
async function narrowRole(name: string, connections: number): Promise<Partial<PostgresSettings>> {
  await postgres.sql(
    'postgres',
    `create role ${name} login superuser password 'x' ; alter role ${name} nosuperuser bypassrls connection limit ${connections};
    grant pg_read_all_data to ${name}`,
  )
  return { user: name }
}

test('a hot standby shares its snapshot: large tables go in lanes and the copy equals', async () => {
  await make('streamed')
  await caughtUp(postgres, standby)
  const stored = await captureStored(standby.settings('streamed'), context)
  assert.ok(stored.details.lanes.some(({ table }) => table === 'large'))
  assert.deepEqual(await differences(stored, postgres.settings('streamed')), [])
  const findings = await check(standby.settings('streamed'), context)
  const found = findings.find(({ subject }) => subject === 'database streamed: standby')
  assert.deepEqual([found?.level, found?.message], ['warning', 'is a standby: backups work, restores into it do not'])
})

test('a role with too few sessions is backed up in one stream, said and comparable', async () => {
  await make('narrow')
  await postgres.sql('narrow', 'alter database narrow set lo_compat_privileges = on')
  await postgres.sql(
    'narrow',
    `alter table public.large alter n set not null; create unique index large_n on public.large (n); create index large_filler on public.large (filler);
    alter table public.large replica identity using index large_n; alter table public.large cluster on large_filler`,
  )
  const over = await narrowRole('narrow_reader', 2)
  const warnings: string[] = []
  const settings = postgres.settings('narrow', { ...over, password: 'x' })
  const said = testContext({ progress: (event) => void (event.type === 'warning' && warnings.push(event.message)) })
  const stored = await captureStored(settings, said)
  assert.match(warnings.join('\n'), /narrow is read in one stream.* too many connections for role/)
  assert.deepEqual(stored.details.lanes, [])
  assert.deepEqual(
    stored.details.indexRuns?.map(({ table, early, entries }) => [table, early, entries.length]),
    [['large', false, 2]],
    'two indexes that lock one table deadlock where both are made at once',
  )
  assert.ok(!stored.notCaptured.some((sentence) => /changed while/.test(sentence)))
  assert.deepEqual(await differences(stored, postgres.settings('narrow')), [])
  const changed = (): Promise<unknown> =>
    postgres.sql('narrow__r_1a2b3c4d', 'update public.steady set n = 0 where n = 7; drop table public.moving')
  const planted = await differences(stored, postgres.settings('narrow'), changed)
  assert.ok(planted.includes('content of public.steady') && planted.includes('table public.moving'), planted.join(', '))
  const findings = await check(settings, context)
  assert.equal(findings.find(({ subject }) => subject === 'database narrow: snapshot')?.level, 'warning')
})

test('what changes while one stream is read is named and not compared, everything else is', async () => {
  await make('shifting')
  const over = await narrowRole('shifting_reader', 2)
  await postgres.sql('shifting', 'alter database shifting set lo_compat_privileges = on')
  const settings = postgres.settings('shifting', { ...over, password: 'x' })
  let details: PostgresDetails | undefined
  let changes = 0
  const contents: Uint8Array[] = []
  const captured = await capture(
    settings,
    {
      async write(_role, _kind, content) {
        for await (const chunk of content) {
          contents.push(Buffer.from(chunk))
          if (changes++ > 0) continue
          await postgres.sql(
            'shifting',
            "insert into public.moving values (1); create table public.late (n int); select nextval('public.ids')",
          )
        }
      },
    },
    context,
  )
  details = captured.details
  assert.match(captured.notCaptured.join('\n'), /It changed while the dump was read.*public\.moving.*public\.late/)
  const dump = Buffer.concat(contents)
  const source = {
    roles: ['dump'],
    sizeOf: () => dump.length,
    async *read() {
      yield dump
    },
  }
  const stored = { details, source, notCaptured: captured.notCaptured }
  assert.deepEqual(await differences(stored, postgres.settings('shifting')), [])
  const changed = (): Promise<unknown> =>
    postgres.sql('shifting__r_1a2b3c4d', 'delete from public.moving; delete from public.steady where n = 1')
  assert.deepEqual(await differences(stored, postgres.settings('shifting'), changed), ['rows of public.steady'])
})

test('a pool in session mode that is too small gives one stream', async () => {
  await make('pooled')
  const pooler = await startPgBouncer(postgres.server, { pool_mode: 'session', default_pool_size: 2 })
  try {
    const { host, port } = pooler
    const stored = await captureStored(postgres.settings('pooled', { host, port }), context)
    assert.deepEqual(stored.details.lanes, [])
    assert.deepEqual(await differences(stored, postgres.settings('pooled')), [])
  } finally {
    await pooler.stop()
  }
})

test('a pool in transaction mode is refused before anything is set in a session of the application', async () => {
  await make('handed')
  for (const size of [1, 5]) {
    const pooler = await startPgBouncer(postgres.server, { pool_mode: 'transaction', default_pool_size: size })
    try {
      const { host, port } = pooler
      const settings = postgres.settings('handed', { host, port })
      await assert.rejects(captureStored(settings, context), {
        kind: 'refused',
        message: /pooler that changes sessions/,
      })
      const [finding] = await check(settings, context)
      assert.match(finding?.message ?? '', /pooler that changes sessions/)
    } finally {
      await pooler.stop()
    }
  }
})
