import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Target } from '../../src/components/driver.ts'
import { withSession } from '../../src/components/postgres/connection.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { withTemporaryFolder } from '../../src/system/temporary-folder.ts'
import { ODD, oddObjects, quoted } from '../parts/postgres-odd.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import type { Stored } from '../parts/postgres-stored.ts'
import { tablesOfEveryType, TYPE_VALUES, UNKNOWN_TYPES, withoutValues } from '../parts/postgres-types.ts'
import { MAJORS, providePostgresVersions } from '../parts/postgres-versions.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

await providePostgresVersions()
const servers = new Map<number, TestPostgres>()
for (const major of MAJORS) servers.set(major, await startPrivate({}, major))
const context = testContext()
const DATABASE = `every ${ODD}`.slice(0, 40)
const OWNER = 'The "owner"'
const ROWS_IN_LANES = 60_000
const points = new Map<number, Stored>()

function server(major: number): TestPostgres {
  const found = servers.get(major)
  assert.ok(found !== undefined)
  return found
}

/** Of one database: every type, odd objects, and a table large enough for lanes. */
async function fill(postgres: TestPostgres): Promise<void> {
  await postgres.sql('postgres', `create role ${quoted(OWNER)} login`)
  await postgres.createDatabase(DATABASE)
  const types = await readableTypes(postgres)
  await postgres.sql(
    DATABASE,
    `set search_path = public; ${tablesOfEveryType(types)} ${oddObjects(OWNER)}
     create table large (n int primary key, body text); insert into large select n, repeat(md5(n::text), 9) from generate_series(1, ${ROWS_IN_LANES}) n`,
  )
}

/** Some of these servers are built without XML. */
async function readableTypes(postgres: TestPostgres): Promise<string[]> {
  const types: string[] = []
  for (const type of Object.keys(TYPE_VALUES)) {
    const works = await postgres.sql(DATABASE, `select $1::text::${type.replace(/ collate .*/, '')}`, [
      TYPE_VALUES[type]?.[0],
    ]).then(
      () => true,
      () => type !== 'xml',
    )
    if (works) types.push(type)
  }
  return types
}

function open(postgres: TestPostgres, mode: 'swap' | 'scratch', scratchFolder = ''): Promise<Target<PostgresDetails>> {
  return postgresDriver.open(postgres.settings(DATABASE), { mode, restoreId: '1a2b3c4d', scratchFolder }, context) as Promise<
    Target<PostgresDetails>
  >
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
    await postgresDriver.examine(stored.details, stored.source, context)
    await withTemporaryFolder(async (folder) => {
      const drill = await open(postgres, 'scratch', folder)
      await drill.load(stored.details, stored.source, context)
      assert.deepEqual(await drill.compare(stored.details, context), [])
      await drill.discard(context)
    })
    const target = await open(postgres, 'swap')
    const findings = await target.preflight(stored.details, context)
    assert.deepEqual(findings.filter(({ level }) => level === 'error'), [])
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

async function before(postgres: TestPostgres): Promise<boolean> {
  const [row] = await postgres.sql(DATABASE, `select to_regclass('public.only_before') is not null as there`)
  return row?.['there'] === true
}

for (const from of MAJORS) {
  for (const to of MAJORS.filter((major) => major > from)) {
    test(`a point of ${from} is restored beside on ${to}, with equal content`, async () => {
      const stored = points.get(from)
      assert.ok(stored !== undefined)
      const target = await open(server(to), 'swap')
      const findings = await target.preflight(stored.details, context)
      assert.deepEqual(findings.filter(({ level }) => level === 'error'), [])
      await target.load(stored.details, stored.source, context)
      assert.deepEqual(await target.compare(stored.details, context), [])
      await target.discard(context)
    })
  }
}
void withSession
