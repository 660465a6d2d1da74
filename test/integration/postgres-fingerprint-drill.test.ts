import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Driver } from '../../src/components/driver.ts'
import type { RestoreTarget } from '../../src/components/target.ts'
import type { ArtifactSource } from '../../src/components/transfer.ts'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { restoreNames } from '../../src/components/postgres/names.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import type { Bytes } from '../../src/core/ports.ts'
import type { App } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import type { DrillReport } from '../../src/operations/drill/report.ts'
import { compareAll, loadAll } from '../../src/operations/restore/phases.ts'
import { openTargets } from '../../src/operations/restore/targets.ts'
import { drillIn } from '../../src/operations/testing/drill-in.ts'
import { asDriver, newTestHost, pair } from '../../src/operations/testing/test-host.ts'
import { openTarget, RESTORE_ID, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const testHost = await newTestHost()
after(() => testHost.close())

/** Every table but the empty one gets lanes, the large one several. */
const LANES = { tableBytes: 8192, laneBytes: 64 * 1024, most: 100 }
const SCHEMA = `
  create table large (id int primary key, name text);
  insert into large select n, repeat('user ' || n, 20) from generate_series(1, 3000) n;
  create table "odd "" name" (n int); insert into "odd "" name" select generate_series(1, 7);
  create table empty (n int); create table parent (n int); create table child () inherits (parent);
  insert into parent values (1); insert into child values (2), (3);
  create materialized view seen as select count(*) from large;
  create sequence tickets; select setval('tickets', 40); select lo_from_bytea(4711, 'abc')`
const ROWS = { '"odd "" name"': '7', child: '2', empty: '0', large: '3000', parent: '1', seen: '0' }

interface Stored {
  readonly details: PostgresDetails
  readonly notCaptured: readonly string[]
  readonly source: ArtifactSource
}

async function captureCounted(database: string): Promise<Stored> {
  const contents = new Map<string, Buffer>()
  const write = async (role: string, _kind: string, content: Bytes): Promise<void> => {
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(Buffer.from(chunk))
    contents.set(role, Buffer.concat(chunks))
  }
  const settings = postgres.settings(database, { fingerprint: 'drill' })
  const { details, notCaptured } = await capture(settings, { write }, context, LANES)
  const contentOf = (role: string): Buffer => contents.get(role) ?? Buffer.alloc(0)
  const source: ArtifactSource = {
    roles: [...contents.keys()],
    sizeOf: (role) => contentOf(role).length,
    async *read(role) {
      yield await Promise.resolve(contentOf(role))
    },
  }
  return { details, notCaptured, source }
}

test('a backup that leaves the fingerprint to drills counts every row and says that content is not compared', async () => {
  await postgres.createDatabase('counted')
  await sql('counted', SCHEMA)
  const { details, notCaptured } = await captureCounted('counted')
  const { fingerprint, lanes } = details
  assert.ok(lanes.filter(({ table }) => table === 'large').length > 2)
  const rows = fingerprint.tables.map((one) => [one.name.replace('public.', ''), one.rows])
  assert.deepEqual(Object.fromEntries(rows), ROWS)
  const hashed = fingerprint.tables.filter(({ hash }) => hash !== undefined).map(({ name }) => name)
  assert.deepEqual(hashed, ['public.seen'])
  assert.deepEqual(fingerprint.largeObjects, [{ oid: 4711 }])
  assert.equal(fingerprint.counted, true)
  assert.match(notCaptured.join('\n'), /fingerprint of the content/)
})

const SIDE = `counted__r_${RESTORE_ID}`

test('its restore is compared by counts, and content is told from other content', async () => {
  const { details, source } = await captureCounted('counted')
  const target = await openTarget(postgres.settings('counted'))
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  let content = await contentOf(target, details)
  for (const change of [
    `update large set name = 'else' where id = 7`,
    `select lo_put(4711, 0, 'x')`,
    'update only parent set n = 9',
  ]) {
    await sql(SIDE, change)
    assert.deepEqual(await target.compare(details, context), [], 'counts do not see it')
    const changed = await contentOf(target, details)
    assert.notEqual(changed, content, change)
    content = changed
  }
  const defects: readonly (readonly [string, RegExp])[] = [
    ['delete from large where id = 7', /^rows of public\.large$/],
    ['insert into empty values (1)', /^rows of public\.empty$/],
    ['delete from only parent', /^rows of public\.parent$/],
    ["select setval('tickets', 39)", /^sequence public\.tickets$/],
    ['select lo_unlink(4711)', /^large object 4711$/],
  ]
  for (const [change, subject] of defects) {
    await sql(SIDE, change)
    assert.match(await subjects(target, details), new RegExp(subject, 'm'))
  }
  await target.discard(context)
})

test('rows of a lane that are lost after the server counted them are missed', async () => {
  const { details, source } = await captureCounted('counted')
  const lost = details.lanes.find(({ table }) => table === 'large')?.role
  // A binary COPY without rows: its signature, flags and length of extension, and its end.
  const nothing = Buffer.from('PGCOPY\nÿ\r\n\0\0\0\0\0\0\0\0\0ÿÿ', 'latin1')
  const cut: ArtifactSource = {
    ...source,
    async *read(role) {
      if (role === lost) yield nothing
      else yield* source.read(role)
    },
  }
  const target = await openTarget(postgres.settings('counted'))
  await target.load(details, cut, context)
  assert.match(await subjects(target, details), /^rows of public\.large$/m)
  await target.discard(context)
})

async function contentOf(target: RestoreTarget<PostgresDetails>, details: PostgresDetails): Promise<string> {
  const content = await target.content?.(details, context)
  assert.ok(content !== undefined)
  return content
}

async function subjects(target: RestoreTarget<PostgresDetails>, details: PostgresDetails): Promise<string> {
  return (await target.compare(details, context)).map(({ subject }) => subject).join('\n')
}

/** The driver, whose targets run a statement as soon as they are loaded. */
function planting(defect: string | undefined): Driver {
  const driver = asDriver(postgresDriver)
  if (defect === undefined) return driver
  return {
    ...driver,
    async open(settings, request, inner) {
      const target = await driver.open(settings, request, inner)
      const load: RestoreTarget['load'] = async (...args) => {
        await target.load(...args)
        await sql(restoreNames('drilled', request.restoreId).side, defect)
      }
      return new Proxy(target, {
        get(of, name) {
          if (name === 'load') return load
          const value: unknown = Reflect.get(of, name, of)
          return typeof value === 'function' ? (value.bind(of) as unknown) : value
        },
      })
    },
  }
}

function appOf(defect?: string): App {
  const settings = postgres.settings('drilled', { fingerprint: 'drill' })
  return testHost.app([{ name: 'database', driver: planting(defect), settings }])
}

const POINT = '1'.padStart(32, '0')
const CHANGED = `update large set name = 'else' where id = 7`

async function drill(defect?: string): Promise<DrillReport> {
  return drillIn(appOf(defect), testHost.context())
}

async function proofs() {
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  return points[0]?.proofs ?? []
}

test('the first drill keeps the content, later drills and restores compare with it, and proofs say which', async () => {
  await postgres.createDatabase('drilled')
  await sql('drilled', SCHEMA)
  await runBackup(appOf(), await planBackup(appOf(), testHost.context()), testHost.context())
  const [first, second, red] = [await drill(), await drill(), await drill(CHANGED)]
  assert.deepEqual([first.ok, first.compared], [true, 'counts'])
  assert.deepEqual([second.ok, second.compared], [true, 'counts and an earlier drill'])
  assert.deepEqual([red.ok, red.differences.map(({ subject }) => subject)], [false, ['database: content']])
  const facts = (await proofs()).map((one) => [one.ok, one.facts['compared'], one.facts['content']])
  const [kept] = facts.map(([, , content]) => content)
  assert.deepEqual(facts.slice(0, 2), [
    [true, 'counts', kept],
    [true, 'counts and an earlier drill', kept],
  ])
  assert.match(JSON.stringify(kept), /^\{"database":"[0-9a-f]{64}"\}$/)
})

test('a restore of changed content is stopped once a drill kept what it should be', async () => {
  for (const [defect, expected] of [
    [undefined, []],
    [CHANGED, ['database: content']],
  ] as const) {
    const reader = await (await testHost.repository()).open(POINT, [pair], testHost.context())
    const options = { mode: 'swap', restoreId: RESTORE_ID, proofs: await proofs() } as const
    const targets = await openTargets(appOf(defect), reader, options, testHost.context())
    await loadAll(targets, testHost.context())
    const found = await compareAll(targets, testHost.context())
    assert.deepEqual(
      found.map(({ subject }) => subject),
      expected,
    )
    for (const { target } of targets) await target.discard(context)
  }
})
