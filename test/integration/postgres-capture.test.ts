import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { examine } from '../../src/components/postgres/capture/examine.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { postgresDetails } from '../../src/components/postgres/schema.ts'
import type { ArtifactSink, ArtifactSource, Captured } from '../../src/components/transfer.ts'
import { Failure } from '../../src/core/failure.ts'
import type { Bytes } from '../../src/core/ports.ts'
import { startPostgres, startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()

/** A sink that keeps what it is given, and the error of a stream that threw. */
class MemorySink implements ArtifactSink {
  dump = Buffer.alloc(0)
  error: unknown
  readonly #each: (chunk: Uint8Array) => Promise<void>

  constructor(each: (chunk: Uint8Array) => Promise<void> = async () => {}) {
    this.#each = each
  }

  async write(role: string, kind: string, content: Bytes): Promise<void> {
    assert.deepEqual([role, kind], ['dump', 'pg-dump'])
    const chunks: Uint8Array[] = []
    try {
      for await (const chunk of content) {
        chunks.push(Buffer.from(chunk))
        await this.#each(chunk)
      }
    } catch (error) {
      this.error = error
      throw error
    }
    this.dump = Buffer.concat(chunks)
  }
}

function sourceOf(dump: Buffer): ArtifactSource {
  return {
    roles: ['dump'],
    sizeOf: () => dump.length,
    async *read() {
      for (let at = 0; at < dump.length; at += 65_536) yield dump.subarray(at, at + 65_536)
    },
  }
}

async function captureOf(
  on: TestPostgres,
  database: string,
  sink: ArtifactSink = new MemorySink(),
): Promise<Captured<PostgresDetails>> {
  return capture(on.settings(database), sink, context)
}

function failure(kind: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.kind, kind, error.message)
    assert.match(error.message, message)
    return true
  }
}

/** Runs SQL at the first few chunks of a dump. */
function meanwhile(database: string, sql: string): MemorySink {
  let count = 0
  return new MemorySink(async () => {
    if (count++ < 5) await postgres.sql(database, sql)
  })
}

/** Enough rows that a dump is still running when its first bytes arrive, in tables that are too small for lanes. */
const MUCH = ['', '_2', '_3', '_4', '_5']
  .map(
    (suffix) =>
      `create table public.much${suffix} as select n, repeat(md5(n::text), 30) as filler from generate_series(1, 12000) n`,
  )
  .join('; ')

test('captures a database whose name is anything', async () => {
  const names = [
    'host=evil.example dbname=x',
    'postgresql://evil.example/x',
    `it's "quoted" \\ and\nbroken`,
    '!#$%&()*+,-./:;<=>?@[]^_`{|}~',
    'ünïcödé ☃',
    Buffer.from(Array.from({ length: 31 }, (_, n) => n + 1)).toString('latin1'),
  ]
  for (const name of names) {
    await postgres.createDatabase(name)
    await postgres.sql(name, 'create table public.here (n int); insert into public.here values (1)')
    const sink = new MemorySink()
    const { details } = await captureOf(postgres, name, sink)
    assert.equal(details.database, name)
    assert.deepEqual(
      details.fingerprint.tables.map(({ name, rows }) => [name, rows]),
      [['public.here', '1']],
    )
    assert.equal(sink.dump.subarray(0, 5).toString(), 'PGDMP')
    await postgres.dropDatabase(name)
  }
})

test('details say everything about the database, and pass their own schema', async () => {
  await postgres.createDatabase('facts', 'connection limit 7')
  await postgres.sql(
    'postgres',
    `drop role if exists facts_owner; drop role if exists facts_reader; drop role if exists facts_group;
    create role facts_group; create role facts_owner login password 'secret-of-owner' createdb in role facts_group valid until '2099-01-01 00:00:00+00'; create role facts_reader;
    alter role facts_owner set work_mem = '8MB'; alter role facts_reader in database facts set statement_timeout = '5s';
    grant facts_group to facts_reader with admin option; alter database facts owner to facts_owner; alter database facts set "app.setting" = 'a=b, "c"';
    comment on database facts is 'what a comment'; grant connect on database facts to facts_reader`,
  )
  await postgres.sql(
    'facts',
    'create table public.things (n int); grant select on public.things to facts_reader; alter table public.things owner to facts_owner',
  )
  const { details, notCaptured } = await captureOf(postgres, 'facts')
  assert.deepEqual(postgresDetails.parse(JSON.parse(JSON.stringify(details))), details)
  assert.equal(details.owner, 'facts_owner')
  assert.equal(details.encoding, 'UTF8')
  assert.equal(details.connectionLimit, 7)
  assert.equal(details.comment, 'what a comment')
  assert.deepEqual(details.settings, [{ name: 'app.setting', value: 'a=b, "c"' }])
  assert.ok(details.acl?.includes('facts_reader=c/facts_owner'), String(details.acl))
  assert.match(details.systemIdentifier ?? '', /^\d+$/)
  assert.match(details.snapshotAt, /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/)
  const roles = new Map(details.roles.map((role) => [role.name, role]))
  assert.deepEqual(
    [...roles.keys()].filter((name) => name.startsWith('facts')),
    ['facts_group', 'facts_owner', 'facts_reader'],
  )
  assert.equal(roles.get('facts_owner')?.attributes.createDatabase, true)
  assert.deepEqual(roles.get('facts_owner')?.settings, [{ name: 'work_mem', value: '8MB', inDatabase: false }])
  assert.deepEqual(roles.get('facts_reader')?.settings, [{ name: 'statement_timeout', value: '5s', inDatabase: true }])
  assert.deepEqual(
    roles.get('facts_reader')?.memberOf.map(({ role, adminOption }) => [role, adminOption]),
    [['facts_group', true]],
  )
  assert.ok(!JSON.stringify(details).includes('secret-of-owner') && !JSON.stringify(details).includes('SCRAM'))
  assert.ok(notCaptured.some((sentence) => /Passwords of roles.*facts_owner/.test(sentence)))
})

test('what is not in the dump is named', async () => {
  await postgres.createDatabase('losses')
  await postgres.sql(
    'losses',
    `create materialized view public.totals as select 1 as n; create extension postgres_fdw schema public;
    create server elsewhere foreign data wrapper postgres_fdw; create foreign table public.remote (n int) server elsewhere`,
  )
  await postgres.sql('losses', "select pg_create_logical_replication_slot('losses_slot', 'pgoutput')")
  await postgres.sql('losses', "begin; create table public.pending (n int); prepare transaction 'half-done'")
  const { notCaptured } = await captureOf(postgres, 'losses')
  const text = notCaptured.join('\n')
  assert.match(text, /materialized views are computed anew by a restore: public\.totals\./)
  assert.match(text, /foreign tables are on other servers: public\.remote\./)
  assert.match(text, /Replication slots are not captured: losses_slot\./)
  assert.match(text, /prepared but not committed are not captured: half-done\./)
  await postgres.sql('losses', "rollback prepared 'half-done'")
  await postgres.sql('losses', "select pg_drop_replication_slot('losses_slot')")
})

test('a sequence that moves during the dump is captured as a span that holds the dumped value', async () => {
  await postgres.createDatabase('moving')
  await postgres.sql('moving', `create sequence public.ids; select nextval('public.ids'); ${MUCH}`)
  const sink = meanwhile('moving', "select nextval('public.ids')")
  const { details } = await captureOf(postgres, 'moving', sink)
  const [ids] = details.fingerprint.sequences
  assert.equal(ids?.lastValue, '1')
  assert.ok(Number(ids?.until) > 1, JSON.stringify(ids))
})

test('fingerprint and dump are of one moment although rows come and go', async () => {
  await postgres.createDatabase('busy')
  await postgres.sql('busy', MUCH)
  await withSession(postgres.server, 'busy', context, async (writer) => {
    const insert = (): Promise<unknown> => writer.query("insert into public.much values (0, 'came too late')")
    const writes: Promise<unknown>[] = []
    // The first row comes when the snapshot is taken and pg_dump is being started, the others while it runs.
    const writing = testContext({ progress: ({ type }) => void (type === 'phase' && writes.push(insert())) })
    const sink = new MemorySink(async () => void (writes.length < 5 && writes.push(insert())))
    const { details } = await capture(postgres.settings('busy'), sink, writing)
    await Promise.all(writes)
    assert.equal(writes.length, 5)
    assert.equal(details.fingerprint.tables[0]?.rows, '12000')
    assert.ok(!sink.dump.includes('came too late'))
  })
})

test('a failure does not wait for what else is being read', async () => {
  await postgres.createDatabase('locked')
  await postgres.sql('locked', 'create table public.held (n int)')
  await withSession(postgres.server, 'locked', context, async (holder) => {
    // Once the plan is made: planning itself waits for locks, as pg_dump does.
    const locking = testContext({
      progress: ({ type }) =>
        void (
          type === 'phase' && holder.query('begin; lock table public.held in access exclusive mode').catch(() => {})
        ),
    })
    const full = new Failure('refused', 'the medium is full')
    const sink: ArtifactSink = { write: () => Promise.reject(full) }
    const started = performance.now()
    await assert.rejects(capture(postgres.settings('locked'), sink, locking), (error) => error === full)
    assert.ok(performance.now() - started < 8_000)
  })
})

test('the whole dump can be read, a truncated one cannot', async () => {
  await postgres.createDatabase('examined')
  await postgres.sql(
    'examined',
    "create table public.t as select n from generate_series(1, 1000) n; select lo_from_bytea(0, 'large')",
  )
  const sink = new MemorySink()
  const { details } = await captureOf(postgres, 'examined', sink)
  await examine(details, sourceOf(sink.dump), context)
  for (const part of [0.2, 0.6, 0.99]) {
    await assert.rejects(
      examine(details, sourceOf(sink.dump.subarray(0, sink.dump.length * part)), context),
      failure('corrupt', /cannot be read/),
    )
  }
})

test('a dump whose session the server ends fails, and its stream throws', async () => {
  await postgres.createDatabase('ended')
  await postgres.sql('ended', MUCH)
  const end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'ended' and query like 'COPY%'"
  const sink = new MemorySink(async () => void (await postgres.sql('postgres', end)))
  await assert.rejects(captureOf(postgres, 'ended', sink), failure('unreachable', /pg_dump failed: exit code 1/))
  assert.ok(sink.error instanceof Failure)
})

test('a killed pg_dump fails the capture, whatever bytes it gave', async () => {
  await postgres.createDatabase('killed')
  await postgres.sql('killed', MUCH)
  // At the first piece only: at the next, its process may end between being found and being killed.
  let killing: Promise<void> | undefined
  const sink = new MemorySink(() => (killing ??= killChildren('pg_dump')))
  await assert.rejects(captureOf(postgres, 'killed', sink), failure('toolFailed', /pg_dump failed: SIGKILL/))
  assert.ok(sink.error instanceof Failure)
})

/** SIGKILL for the children of this process that run this program. */
async function killChildren(program: string): Promise<void> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  for (const pid of children.trim().split(' ').map(Number)) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    if (name.trim() === program) process.kill(pid, 'SIGKILL')
  }
}

test('a dump whose snapshot session is lost fails', async () => {
  await postgres.createDatabase('lost')
  await postgres.sql('lost', MUCH)
  const end =
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'lost' and application_name = 'holdfast' and state like 'idle in transaction%' and backend_type = 'client backend'"
  const sink = meanwhile('postgres', end)
  await assert.rejects(
    captureOf(postgres, 'lost', sink),
    (error) => error instanceof Failure && ['unreachable', 'toolFailed'].includes(error.kind),
  )
})

test('a sink that fails ends the dump and its own error comes out', async () => {
  await postgres.createDatabase('full')
  await postgres.sql('full', MUCH)
  const full = new Failure('refused', 'the medium is full')
  const sink = new MemorySink(() => Promise.reject(full))
  await assert.rejects(captureOf(postgres, 'full', sink), (error) => error === full)
})

test('cancelling ends everything and leaves no session behind', async () => {
  await postgres.createDatabase('cancelled')
  await postgres.sql('cancelled', MUCH)
  const controller = new AbortController()
  const sink = new MemorySink(async () => controller.abort())
  await assert.rejects(
    capture(postgres.settings('cancelled'), sink, testContext({ signal: controller.signal })),
    failure('cancelled', /cancelled/),
  )
  for (let n = 0; n < 40; n++) {
    const [row] = await postgres.sql(
      'postgres',
      "select count(*)::int as n from pg_stat_activity where datname = 'cancelled'",
    )
    if (row?.['n'] === 0) return
    await context.clock.sleep(50, context.signal)
  }
  assert.fail('sessions are left')
})

test('a server that crashes mid-dump fails the capture', async () => {
  const own = await startPrivate()
  await own.createDatabase('crash')
  await own.sql('crash', MUCH)
  let crash: Promise<void> | undefined
  const sink = new MemorySink(async () => (crash ??= own.process?.kill()))
  await assert.rejects(
    captureOf(own, 'crash', sink),
    (error) => error instanceof Failure && ['unreachable', 'toolFailed'].includes(error.kind),
  )
})

test('a database that is not there, and one that may not be read, are named', async () => {
  await assert.rejects(captureOf(postgres, 'nowhere'), failure('notFound', /database nowhere on .* does not exist/))
  await postgres.createDatabase('closed')
  await postgres.sql('postgres', "drop role if exists stranger; create role stranger login password 'x'")
  await postgres.sql('closed', 'create table public.private (n int)')
  const settings = postgres.settings('closed', { user: 'stranger', password: 'x' })
  await assert.rejects(
    capture(settings, new MemorySink(), context),
    failure('denied', /permission denied|cannot be read whole/),
  )
})
