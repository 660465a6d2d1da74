import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RestoreTarget } from '../../src/components/target.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { newerObjects, oddObjects, quoted } from '../parts/postgres-odd.ts'
import { plantedIn } from '../parts/postgres-planted.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import type { Stored } from '../parts/postgres-stored.ts'
import { MAJORS, providePostgresVersions } from '../parts/postgres-versions.ts'
import type { Major } from '../parts/postgres-versions.ts'
import { wordings } from '../parts/postgres-wordings.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

await providePostgresVersions()
const context = testContext()
const DATABASE = 'defined'
const OWNER = 'The "owner"'
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const [OLDEST, NEWEST] = [Math.min(...MAJORS), Math.max(...MAJORS)]
/** Elsewhere than in `npm run soak`: each major to the newest, and the oldest to itself. */
const isTried = (from: Major, to: Major): boolean => to === NEWEST || (from === OLDEST && to === OLDEST)
const servers = new Map<Major, TestPostgres>()
const points = new Map<Major, Stored>()
for (const major of MAJORS) {
  const postgres = await startPrivate({}, major)
  await postgres.sql('postgres', `create role ${quoted(OWNER)} login`)
  servers.set(major, postgres)
}

function of<Value>(map: ReadonlyMap<Major, Value>, major: Major): Value {
  const found = map.get(major)
  assert.ok(found !== undefined)
  return found
}

/** Some of these servers come with none. */
async function extensionsOf(majors: readonly Major[]): Promise<string[]> {
  const everywhere = async (name: string): Promise<boolean> => {
    const found = await Promise.all(
      majors.map((major) =>
        of(servers, major).sql('postgres', 'select from pg_available_extensions where name = $1', [name]),
      ),
    )
    return found.every((rows) => rows.length > 0)
  }
  return (await everywhere('citext')) ? ['citext'] : []
}

const extensions = await extensionsOf(MAJORS)

/** Objects of every kind, such that a load words them anew and such that it does not. */
async function fill(major: Major): Promise<Stored> {
  const postgres = of(servers, major)
  await postgres.createDatabase(DATABASE, 'template template0')
  for (const text of [
    wordings(major),
    plantedIn(major, extensions).make,
    oddObjects(OWNER),
    newerObjects(major, OWNER),
  ])
    await postgres.sql(DATABASE, `set search_path = public; ${text}`)
  return captureStored(postgres.settings(DATABASE), context)
}

function open(major: Major): Promise<RestoreTarget<PostgresDetails>> {
  const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
  return postgresDriver.open(of(servers, major).settings(DATABASE), request, context)
}

for (const from of MAJORS)
  for (const to of MAJORS.filter((major) => major >= from && (SOAK || isTried(from, major))))
    test(`of what ${from} defines all is equal on ${to} but what was changed there`, async () => {
      const stored = points.get(from) ?? (await fill(from))
      points.set(from, stored)
      const target = await open(to)
      await target.load(stored.details, stored.source, context)
      const { all } = plantedIn(from, extensions)
      const plants = ['set search_path = planted, pg_catalog', ...all.map(({ plant }) => plant)].join(';')
      await of(servers, to).sql(`${DATABASE}__r_1a2b3c4d`, plants)
      const found = await target.compare(stored.details, context, stored.source)
      assert.deepEqual(found.map(({ subject }) => subject).toSorted(), all.map(({ subject }) => subject).toSorted())
      await target.discard(context)
    })
