import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RestoreTarget } from '../../src/components/target.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { newerObjects, ODD, oddObjects, quoted } from '../parts/postgres-odd.ts'
import { roundTrip } from '../parts/postgres-round-trip.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import type { Stored } from '../parts/postgres-stored.ts'
import { tablesOfEveryType, TYPE_VALUES, UNKNOWN_TYPES, withoutValues } from '../parts/postgres-types.ts'
import { clientOf14, MAJORS, programsOf, providePostgresVersions } from '../parts/postgres-versions.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

await providePostgresVersions()
const servers = new Map<number, TestPostgres>()
for (const major of MAJORS) servers.set(major, await startPrivate({}, major))
const context = testContext()
const DATABASE = `every ${ODD}`.slice(0, 40)
const OWNER = 'The "owner"'
const ROWS_IN_LANES = 60_000
/** Some of these servers are built without XML. */
const TYPES = Object.keys(TYPE_VALUES).filter((type) => type !== 'xml')
const points = new Map<number, Stored>()
const SOAK = process.env['HOLDFAST_SOAK'] === '1'

function server(major: number): TestPostgres {
  const found = servers.get(major)
  assert.ok(found !== undefined)
  return found
}

function pointOf(major: number): Stored {
  const found = points.get(major)
  assert.ok(found !== undefined)
  return found
}

for (const major of MAJORS) await server(major).sql('postgres', `create role ${quoted(OWNER)} login`)

/** Of one database: every type, odd objects, and a table large enough for lanes. */
async function fill(postgres: TestPostgres): Promise<void> {
  await postgres.createDatabase(DATABASE)
  await postgres.sql(
    DATABASE,
    `set search_path = public; ${tablesOfEveryType(TYPES)} ${oddObjects(OWNER)}
     create table large (n int primary key, body text); insert into large select n, repeat(md5(n::text), 9) from generate_series(1, ${ROWS_IN_LANES}) n`,
  )
}

function open(
  postgres: TestPostgres,
  mode: 'swap' | 'scratch',
  scratchFolder = '',
): Promise<RestoreTarget<PostgresDetails>> {
  return postgresDriver.open(postgres.settings(DATABASE), { mode, restoreId: '1a2b3c4d', scratchFolder }, context)
}

for (const major of MAJORS) {
  test(`${major}: capture, verify, drill, restore by swap, undo`, async () => {
    const postgres = server(major)
    assert.equal(postgres.process?.major, major)
    await fill(postgres)
    const unknown = await postgres.sql(DATABASE, UNKNOWN_TYPES)
    assert.deepEqual(withoutValues(unknown.map(({ name }) => String(name))), [])
    const stored = await captureStored(postgres.settings(DATABASE), context)
    points.set(major, stored)
    assert.ok(stored.details.lanes.length > 0)
    if (major !== 14 || (await clientOf14()) !== undefined)
      assert.match(stored.details.dumpVersionText, new RegExp(`\\(PostgreSQL\\) ${major}\\.`))
    await postgresDriver.examine(stored.details, stored.source, context)
    await withTemporaryFolder(async (folder) => {
      const drill = await open(postgres, 'scratch', folder)
      await drill.load(stored.details, stored.source, context)
      assert.deepEqual(await drill.compare(stored.details, context), [])
      await drill.discard(context)
    })
    const target = await open(postgres, 'swap')
    const findings = await target.preflight(stored.details, context)
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    )
    await target.load(stored.details, stored.source, context)
    assert.deepEqual(await target.compare(stored.details, context), [])
    await postgres.sql(DATABASE, 'create table public.only_before (a int)')
    await target.fence(context)
    await target.swap(stored.details, context)
    await target.reopen(context)
    assert.equal(await before(postgres), false)
    await target.undo(context)
    assert.equal(await before(postgres), true)
    await target.forget(context)
    await postgres.sql(DATABASE, 'drop table public.only_before')
  })
}

for (const major of MAJORS.filter((one) => one > 14)) {
  test(`${major}: what older majors do not know comes back as pg_dump sees it`, async () => {
    const postgres = server(major)
    await postgres.createDatabase('newer', 'template template0')
    await postgres.sql('newer', newerObjects(major, OWNER))
    const { details, notCaptured } = await roundTrip(postgres, 'newer')
    assert.ok(
      notCaptured.some((one) => one.startsWith('Grants on parameters') && one.includes(`log_min_messages to ${OWNER}`)),
    )
    // Rows of generated columns are not in lanes; the table must be large enough for one.
    assert.equal(details.lanes.length > 0, major >= 18)
    // Some rows break constraints that are not enforced or not validated, which a restore does not mind.
    assert.deepEqual(
      details.rowCheck?.filter(({ level }) => level === 'error'),
      [],
    )
  })
}

async function before(postgres: TestPostgres): Promise<boolean> {
  const [row] = await postgres.sql(DATABASE, `select to_regclass('public.only_before') is not null as there`)
  return row?.['there'] === true
}

/** Elsewhere than in `npm run soak`: to the next major, and to the newest. */
for (const from of MAJORS) {
  for (const to of MAJORS.filter((major) => major > from && (SOAK || major === from + 1 || major === 18))) {
    test(`a point of ${from} is restored beside on ${to}, with equal content`, async () => {
      const stored = pointOf(from)
      const target = await open(server(to), 'swap')
      const findings = await target.preflight(stored.details, context)
      assert.deepEqual(
        findings.filter(({ level }) => level === 'error'),
        [],
      )
      await target.load(stored.details, stored.source, context)
      assert.deepEqual(await target.compare(stored.details, context), [])
      await target.discard(context)
    })
  }
}

test('who could create in schema public until 14 is told that this ends with 15', async () => {
  const said = async (from: number, to: number): Promise<boolean> => {
    const findings = await (await open(server(to), 'swap')).preflight(pointOf(from).details, context)
    return findings.some(({ subject, level }) => subject === 'schema public' && level === 'warning')
  }
  assert.deepEqual([await said(14, 15), await said(14, 14), await said(15, 16)], [true, false, false])
  await server(14).sql(DATABASE, 'revoke create on schema public from public')
  points.set(14, await captureStored(server(14).settings(DATABASE), context))
  assert.equal(await said(14, 15), false)
})

test('what pg_dump 14 leaves out of schema public is named, and newer client tools bring it back', async (t) => {
  if (process.env['HOLDFAST_TEST_POSTGRES_14'] === undefined && (await clientOf14()) === undefined)
    return t.skip('client tools of 14 are for x64 only')
  const postgres = server(14)
  await postgres.createDatabase('public14')
  const lossesOf = async (over = {}): Promise<string[]> => {
    const { notCaptured } = await captureStored(postgres.settings('public14', over), context)
    return notCaptured.filter((sentence) => sentence.includes('schema public'))
  }
  assert.deepEqual(await lossesOf(), [])
  await postgres.sql(
    'public14',
    `alter schema public owner to ${quoted(OWNER)}; comment on schema public is 'of the app''s'`,
  )
  const [said, ...more] = await lossesOf()
  assert.deepEqual(more, [])
  assert.match(said ?? '', /before 15 leave out .*: COMMENT IS 'of the app''s', OWNER TO "The ""owner""".$/)
  const findings = await postgresDriver.check(postgres.settings('public14'), context)
  assert.ok(findings.some(({ level, message }) => level === 'warning' && message === said))

  const newer = { toolsFolder: (await programsOf(15)) ?? '/usr/lib/postgresql/15/bin' }
  assert.deepEqual(await lossesOf(newer), [])
  const settings = postgres.settings('public14', newer)
  const stored = await captureStored(settings, context)
  const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
  const target = await postgresDriver.open(settings, request, context)
  await target.load(stored.details, stored.source, context)
  const [schema] = await postgres.sql(
    'public14__r_1a2b3c4d',
    `select pg_get_userbyid(nspowner)::text as owner, obj_description(oid, 'pg_namespace') as comment from pg_namespace where nspname = 'public'`,
  )
  assert.deepEqual(schema, { owner: OWNER, comment: `of the app's` })
  await target.discard(context)
})

test('a value that differs is found across majors', async () => {
  const stored = pointOf(14)
  const target = await open(server(18), 'swap')
  await target.load(stored.details, stored.source, context)
  await server(18).sql(`${DATABASE}__r_1a2b3c4d`, `update public.every set c0 = not c0 where c0 is not null`)
  assert.deepEqual(
    (await target.compare(stored.details, context)).map(({ subject }) => subject),
    ['content of public.every'],
  )
  await target.discard(context)
})

test('an older server is refused before anything is made there', async () => {
  const target = await open(server(15), 'swap')
  const [error] = (await target.preflight(pointOf(16).details, context)).filter(({ level }) => level === 'error')
  assert.match(`${error?.subject} ${error?.message}`, /server 15.* is older than 16/)
  assert.match(error?.hint ?? '', /that major or newer/)
})

test('client tools that cannot restore to the server are refused before anything is made there', async () => {
  const toolsFolder = await programsOf(17)
  const postgres = server(16)
  const settings = postgres.settings(DATABASE, { toolsFolder })
  const findings = await postgresDriver.check(settings, context)
  assert.ok(findings.some(({ level, hint }) => level === 'warning' && hint?.includes('postgresql-client-16') === true))
  for (const stored of [pointOf(16), await captureStored(settings, context)]) {
    const target = await postgresDriver.open(settings, { mode: 'swap', restoreId: '1a2b3c4d' }, context)
    const [error] = (await target.preflight(stored.details, context)).filter(({ level }) => level === 'error')
    assert.match(error?.hint ?? '', /postgresql-client-16/)
    await assert.rejects(target.load(stored.details, stored.source, context), { kind: 'unsupported' })
    assert.equal(await target.state(context), 'untouched')
  }
})

test('a point that newer tools wrote is drilled on a server that takes it', async () => {
  const settings = server(16).settings(DATABASE, { toolsFolder: await programsOf(18) })
  const stored = await captureStored(settings, context)
  await withTemporaryFolder(async (folder) => {
    const drill = await open(server(16), 'scratch', folder)
    await drill.load(stored.details, stored.source, context)
    assert.deepEqual(await drill.compare(stored.details, context), [])
    await drill.discard(context)
  })
})
