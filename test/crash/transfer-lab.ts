import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DumpFormat } from '../../src/components/capabilities/dumps.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { Effects } from '../../src/core/ports.ts'
import type { App, AppComponent } from '../../src/operations/app.ts'
import { executeExport } from '../../src/operations/export/export.ts'
import { exportKleidia } from '../../src/interop/kleidia-v1/export-kleidia.ts'
import { executeImport, type ImportReport } from '../../src/operations/import/import.ts'
import { usualLimits, type KleidiaReport } from '../../src/interop/kleidia-v1/import-kleidia.ts'
import { importKleidiaPoints } from '../../src/interop/kleidia-v1/import-points.ts'
import { asDriver, newTestHost, pair, type TestHost } from '../../src/operations/testing/test-host.ts'
import { secretPassword, sourceFor } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { deaths, type Death } from '../parts/dying-effects.ts'
import { startPostgres } from '../parts/postgres.ts'
import { assertSound, listed } from './points.ts'

/** What goes in and out of restore points, with everything real but the repository, which is in memory. */
const postgres = await startPostgres()
const ROWS = `create table public.content (id int primary key, body text); insert into public.content select n, md5(n::text) from generate_series(1, 100) n; create role transfer_owner`

export interface Transfers {
  readonly testHost: TestHost
  readonly folder: string
  readonly sql: string
  readonly app: (effects?: Effects) => App
  dump(format: DumpFormat): string
  close(): Promise<void>
}

export async function startTransfers(names: readonly ('database' | 'keys')[]): Promise<Transfers> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-transfers-'))
  await postgres.createDatabase('app')
  await postgres.sql('app', `drop role if exists transfer_owner; ${ROWS}`)
  const dump = (format: DumpFormat): string => join(folder, `${format}.dump`)
  for (const format of ['custom', 'directory'] as const)
    await dumpWith(postgres, 'pg_dump', [`--format=${format}`, '--file', dump(format), 'app'])
  const sql = await dumpWith(postgres, 'pg_dump', ['app'])
  await writeFile(dump('sql'), sql)
  const bao = { kind: 'openbao', address: 'http://127.0.0.1:1', token: 'none', mounts: ['kv'] }
  const all: Readonly<Record<'database' | 'keys', AppComponent>> = {
    database: { name: 'database', driver: asDriver(postgresDriver), settings: postgres.settings('app') },
    keys: { name: 'keys', driver: asDriver(openbaoDriver), settings: openbaoDriver.settings.parse(bao) },
  }
  const testHost = await newTestHost()
  const close = async (): Promise<void> => {
    await testHost.close()
    await rm(folder, { recursive: true, force: true })
  }
  const app = (effects?: Effects): App =>
    testHost.app(
      names.map((name) => all[name]),
      effects,
    )
  return { testHost, folder, sql, app, dump, close }
}

/** Each run starts a server, which takes seconds, and its effects follow one another. What a name is given by is tried in every way. */
export function deathsOfTransfer(effect: string): readonly Death[] {
  return /^put |^name |^remove import/.test(effect) ? deaths : ['after']
}

/** Of a run whose point and time are others than those of the run whose effects were listed. */
export function stableNames(effects: Effects): Effects {
  const stable = (name: string): string =>
    name.replaceAll(/[0-9a-f]{32}/g, '<point>').replaceAll(/\d{8}T\d{9}Z/g, '<time>')
  return { run: (name, act) => effects.run(stable(name), act) }
}

export function importDump(world: Transfers, format: DumpFormat, effects: Effects): Promise<ImportReport> {
  const stable = stableNames(effects)
  const request = { format, path: world.dump(format), trusted: true, withPasswords: false }
  return executeImport(world.app(stable), request, world.testHost.context(stable))
}

export async function importKleidia(world: Transfers, file: Uint8Array, effects: Effects): Promise<KleidiaReport> {
  const stable = stableNames(effects)
  const request = { password: secretPassword, limits: usualLimits, trusted: false }
  async function* sources(): AsyncGenerator<ReturnType<typeof sourceFor>> {
    yield sourceFor(file)
  }
  return importKleidiaPoints(world.app(stable), sources(), request, world.testHost.context(stable))
}

/** Exports the point in a format of its own or as Kleidia's, into a folder that is empty before. */
export async function exportTo(
  world: Transfers,
  point: string,
  format: DumpFormat | 'kleidia-v1',
  effects: Effects,
): Promise<string> {
  const output = join(world.folder, 'out', 'it')
  const context = world.testHost.context(effects)
  const reader = await (await world.testHost.repository(0, effects)).open(point, [pair], context)
  if (format === 'kleidia-v1')
    await exportKleidia(world.app(effects), reader, { output, password: secretPassword }, context)
  else await executeExport(world.app(effects), reader, { format, output }, context)
  return output
}

/** What is listed is whole, and is as many points as were committed. */
export async function assertListed({ testHost }: Transfers, count: number): Promise<readonly string[]> {
  const found = listed(await assertSound(testHost))
  assert.equal(found.length, count, `${found.length} points are listed instead of ${count}`)
  return found
}

/** After the time of the sweep nothing is left in the repository but the listed points. */
export async function assertSwept({ testHost }: Transfers): Promise<void> {
  testHost.clock.passHours(97)
  await (await testHost.repository()).sweep(testHost.context())
  const points = listed(await assertSound(testHost))
  const [storage] = testHost.storages
  assert.ok(storage !== undefined)
  const left = new Set<string>()
  for await (const { name } of storage.list('data/', new AbortController().signal)) left.add(name.split('/')[1] ?? '')
  assert.deepEqual([...left].sort(), [...points].sort())
}
