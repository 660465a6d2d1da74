import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import { filesDriver } from '../../src/components/files/driver.ts'
import type { Driver } from '../../src/components/driver.ts'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { Effects } from '../../src/core/ports.ts'
import type { App, AppComponent } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { orderOf, planRestore } from '../../src/operations/restore/plan.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { runRestore } from '../../src/operations/restore/run.ts'
import { asDriver, newTestHost } from '../../src/operations/testing/test-host.ts'
import { startPostgres } from '../parts/postgres.ts'

/** A real database and a real folder with a point of each, cheap to make again as they were. */
export const POINT = '1'.padStart(32, '0')
export const RESTORE_ID = 'abcdef01'
export const CAPTURED = { rows: 'captured', jobs: 'captured', key: 'captured key' }
export const BEFORE = { rows: 'live', jobs: 'captured live', key: 'live key' }

const DATABASES = `select datname as name, datallowconn as open from pg_database where datname like 'app%' order by 1`
const postgres = await startPostgres()
/** The repository holds the one point and is only read by what is tested here. */
export const testHost = await newTestHost()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-swap-'))
const keys = join(folder, 'keys')
const PREVIOUS = `app__prev_${RESTORE_ID}`
const JOURNAL = join(testHost.records, `restore-portal-${RESTORE_ID}.json`)

const components: readonly AppComponent[] = [
  { name: 'database', driver: asDriver(postgresDriver), settings: postgres.settings('app') },
  { name: 'files', driver: asDriver(filesDriver), settings: filesDriver.settings.parse({ kind: 'files', path: keys }) },
]

export function appOf(effects?: Effects): App {
  return testHost.app(components, effects)
}

/** Every table gets a lane, however small. */
const inLanes: Driver<PostgresSettings, PostgresDetails> = {
  ...postgresDriver,
  capture: (settings, sink, context) =>
    capture(settings, sink, context, { tableBytes: 1, laneBytes: 1024 * 1024, most: 1000 }),
}

export function prepare(): Promise<void> {
  return prepareWith(asDriver(postgresDriver))
}

export function prepareInLanes(): Promise<void> {
  return prepareWith(asDriver(inLanes))
}

async function prepareWith(driver: Driver): Promise<void> {
  await postgres.createDatabase('app')
  await sql(
    'app',
    `create table public.content as select 'captured' as rows; create table public.jobs (id serial primary key, what text); insert into public.jobs (what) values ('captured')`,
  )
  await makeKeys(CAPTURED.key)
  const capturing = testHost.app(components.map((one) => (one.name === 'database' ? { ...one, driver } : one)))
  await runBackup(capturing, await planBackup(capturing, testHost.context()), testHost.context())
  await sql('app', `update public.content set rows = 'live'; insert into public.jobs (what) values ('live')`)
  await sql('postgres', 'alter database app rename to live_copy')
}

export async function cleanUp(): Promise<void> {
  await testHost.close()
  await rm(folder, { recursive: true, force: true })
}

/** The world before a restore: other live data, or none at all. No journal, nothing kept. */
export async function freshWorld(hasLive: boolean): Promise<void> {
  for (const { name } of await databases()) await postgres.dropDatabase(name)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  await Promise.all(
    (await readdir(testHost.records))
      .filter((name) => name.startsWith('restore-'))
      .map((name) => rm(join(testHost.records, name))),
  )
  if (!hasLive) return
  await postgres.createDatabase('app', 'template live_copy')
  await makeKeys(BEFORE.key)
}

interface Swapped {
  readonly journal: string
  readonly marker: string
}
let swapped: Swapped | undefined

/** The world after a restore, made of copies: the first one is restored, and shows what it leaves. */
export async function freshSwapped(): Promise<void> {
  swapped ??= await swapOnce()
  await freshWorld(true)
  await sql('postgres', `alter database app rename to ${PREVIOUS}`)
  await sql('postgres', `comment on database ${PREVIOUS} is '${swapped.marker}'`)
  await sql('postgres', `alter database ${PREVIOUS} allow_connections false`)
  await postgres.createDatabase('app', 'template restored_copy')
  await rename(keys, `${keys}.holdfast-prev-${RESTORE_ID}`)
  await makeKeys(CAPTURED.key)
  await writeFile(JOURNAL, swapped.journal)
}

async function swapOnce(): Promise<Swapped> {
  await freshWorld(true)
  assert.equal((await restore()).outcome, 'done')
  const [row] = await sql(
    'postgres',
    `select shobj_description(oid, 'pg_database') as marker from pg_database where datname = '${PREVIOUS}'`,
  )
  await sql('postgres', 'alter database app rename to restored_copy')
  return { journal: await readFile(JOURNAL, 'utf8'), marker: String(row?.['marker']) }
}

async function makeKeys(text: string): Promise<void> {
  await mkdir(join(keys, 'tls'), { recursive: true })
  await writeFile(join(keys, 'master.key'), text)
  await writeFile(join(keys, 'tls', 'server.pem'), text)
  await chmod(join(keys, 'master.key'), 0o600)
}

export async function restore(
  effects?: Effects,
  mode: 'swap' | 'in-place' = 'swap',
  restoreId = RESTORE_ID,
): Promise<RestoreReport> {
  const app = appOf(effects)
  const context = testHost.context(effects)
  const plan = { ...(await planRestore(app, { at: POINT, mode, safetyPoint: false }, context)), restoreId }
  return (await runRestore(app, orderOf(plan), context)).report
}

export function sql(database: string, text: string): Promise<Record<string, unknown>[]> {
  return postgres.sql(database, text)
}

export async function databases(): Promise<{ name: string; open: boolean }[]> {
  return (await sql('postgres', DATABASES)).map(({ name, open }) => ({ name: String(name), open: open === true }))
}

/** Rows of the live database; needs it to be open. */
export async function rows(): Promise<{ rows: string; jobs: string }> {
  const [found] = await sql(
    'app',
    `select rows, (select string_agg(what, ' ' order by id) from public.jobs) as jobs from public.content`,
  )
  return { rows: String(found?.['rows']), jobs: String(found?.['jobs']) }
}

/** The live folder, whole; fails when its two files are not of one time. */
export async function key(): Promise<string> {
  const master = await readFile(join(keys, 'master.key'), 'utf8')
  assert.equal(await readFile(join(keys, 'tls', 'server.pem'), 'utf8'), master, 'the folder is mixed')
  assert.equal((await stat(join(keys, 'master.key'))).mode & 0o777, 0o600)
  return master
}

export async function besideKeys(): Promise<string[]> {
  return (await readdir(folder)).sort()
}

/** Before anybody recovers: each piece is the old or the new one. A fence may be up, and a folder between its two renames. */
export async function assertSomethingWhole(): Promise<void> {
  const found = await databases()
  const live = found.find(({ name }) => name === 'app')
  assert.ok(live !== undefined, `no live database among ${found.map(({ name }) => name).join(', ')}`)
  if (live.open) assertOneOf(await rows())
  const siblings = await besideKeys()
  if (siblings.includes('keys')) assert.ok([CAPTURED.key, BEFORE.key].includes(await key()))
  else assert.ok(siblings.includes(`keys.holdfast-prev-${RESTORE_ID}`), `no folder among ${siblings.join(', ')}`)
}

function assertOneOf({ rows, jobs }: { rows: string; jobs: string }): void {
  const all = [CAPTURED, BEFORE].map((one) => `${one.rows}/${one.jobs}`)
  assert.ok(all.includes(`${rows}/${jobs}`), `${rows}/${jobs}`)
}

/** The restored data is live and open, the previous is kept, and nothing else is there. */
export async function assertCaptured(): Promise<void> {
  assert.deepEqual({ ...(await rows()), key: await key() }, CAPTURED)
  const kept = (await databases()).filter(({ name }) => name !== 'app')
  assert.deepEqual(await databases(), [{ name: 'app', open: true }, ...kept])
  assert.ok(
    kept.every(({ name }) => name === `app__prev_${RESTORE_ID}`),
    JSON.stringify(kept),
  )
  assert.ok(
    (await besideKeys()).every((name) =>
      ['keys', `keys.holdfast-prev-${RESTORE_ID}`, `keys.holdfast-none-${RESTORE_ID}`].includes(name),
    ),
    (await besideKeys()).join(),
  )
}

/** As it was before the restore: open, and nothing of the restore is left. */
export async function assertWholeBefore(hadLive: boolean): Promise<void> {
  assert.deepEqual(await databases(), hadLive ? [{ name: 'app', open: true }] : [])
  assert.deepEqual(await besideKeys(), hadLive ? ['keys'] : [])
  if (hadLive) assert.deepEqual({ ...(await rows()), key: await key() }, BEFORE)
}

/** The data from before is live and open, and what the restore brought is aside. */
export async function assertUndone(): Promise<void> {
  assert.deepEqual({ ...(await rows()), key: await key() }, BEFORE)
  assert.deepEqual(await databases(), [
    { name: 'app', open: true },
    { name: `app__undone_${RESTORE_ID}`, open: false },
  ])
  assert.deepEqual(await besideKeys(), ['keys', `keys.holdfast-undone-${RESTORE_ID}`])
}
