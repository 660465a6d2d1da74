import assert from 'node:assert/strict'
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { postgresDriver as driver } from '../../src/components/postgres/driver.ts'
import { placeOf } from '../../src/components/postgres/place-of.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { Reached } from '../../src/platforms/reached.ts'
import { LocalPlace } from '../../src/platforms/testing/local-place.ts'
import { z } from 'zod'
import { folderOfPrograms } from '../parts/local-programs.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'
import { captureStored, sinkInto } from '../parts/postgres-stored.ts'

const postgres = await startPostgres()
const context = testContext()
const { pgDump } = await chooseTools(150000, {}, context)

before(async () => {
  await postgres.createDatabase('inside')
  await postgres.sql(
    'inside',
    `create role app_inside; create table public.rows as select n, md5(n::text) as text from generate_series(1, 5000) n;
     alter table public.rows add primary key (n); alter table public.rows owner to app_inside`,
  )
})

/** A database in a container that has these programs, and none that could be a relay. */
async function settingsOf(dump: string | undefined, route: 'auto' | 'direct' = 'auto') {
  const PATH = await folderOfPrograms({ sh: 'dash', tee: 'tee', cksum: 'cksum', cat: 'cat', head: 'head' })
  assert.ok(PATH)
  await symlink(pgDump, join(PATH, 'real_pg_dump'))
  if (dump !== undefined) await writeFile(join(PATH, 'pg_dump'), `#!${join(PATH, 'sh')}\n${dump}\n`, { mode: 0o755 })
  const place = new LocalPlace({ environment: { PATH } })
  const inside = {
    reach: z.unknown(),
    describe: () => 'service db of compose project app',
    find: () => Promise.resolve(place),
  }
  const { host, port } = postgres.server
  const through = new Reached(inside, {}, { socket: join(host, `.s.PGSQL.${port}`), route }, context)
  return { settings: { ...postgres.settings('inside'), through } satisfies PostgresSettings, place }
}

const WHOLE = 'exec real_pg_dump "$@"'
const UNPROVEN =
  /^read by pg_dump in service db of compose project app, as no way leads to the server: its rows were counted/

test('where no relay can run, the dump of the container makes a point that says what it leaves unproven', async () => {
  const { settings, place } = await settingsOf(WHOLE)
  const findings = await driver.check(settings, context)
  assert.deepEqual(
    findings.map(({ level }) => level),
    ['ok', 'warning'],
  )
  assert.match(findings[1]?.message ?? '', /a backup is read by pg_dump in service db/)
  assert.match(findings[1]?.hint ?? '', /Publish the port.*holdfast export/s)
  const { details, notCaptured, source } = await captureStored(settings, context)
  assert.match(notCaptured[0] ?? '', UNPROVEN)
  assert.equal(details.fingerprint.tables.find(({ name }) => name.includes('rows'))?.rows, '5000')
  assert.deepEqual([details.readInside, details.imported, details.systemIdentifier], [true, undefined, null])
  assert.deepEqual(await place.processes(), [])
  await withTemporaryFolder(async (scratchFolder) => {
    await chmod(scratchFolder, 0o711)
    const target = await driver.open(settings, { mode: 'scratch', restoreId: 'abcdef01', scratchFolder }, context)
    try {
      await target.load(details, source, context)
      assert.deepEqual(await target.compare(details, context), [])
      assert.match(target.remarks?.().join() ?? '', /read by pg_dump inside the container/)
    } finally {
      await target.discard(context)
    }
  })
})

test('a dump that came in part makes no point', async () => {
  const broken: readonly (readonly [string, RegExp])[] = [
    ['real_pg_dump "$@" | head -c 4000; kill -9 $$', /failed: exit code 137/],
    ['real_pg_dump "$@" | head -c 4000; kill -9 $PPID', /did not tell how it ended/],
    ['real_pg_dump "$@" | head -c 4000', /the text ends within the rows of a COPY statement/],
  ]
  for (const [dump, message] of broken) {
    const { settings } = await settingsOf(dump)
    const contents = new Map<string, Buffer>()
    await assert.rejects(driver.capture(settings, sinkInto(contents), context), { message })
    assert.equal(contents.size, 0)
  }
})

test('without pg_dump inside, and where the configuration forbids exec, nothing is read', async () => {
  const lacking = await settingsOf(undefined)
  await assert.rejects(driver.capture(lacking.settings, sinkInto(new Map()), context), { kind: 'notFound' })
  assert.deepEqual(
    (await driver.check(lacking.settings, context)).map(({ level }) => level),
    ['error'],
  )
  const direct = await settingsOf(WHOLE, 'direct')
  await assert.rejects(driver.capture(direct.settings, sinkInto(new Map()), context), { kind: 'unsupported' })
  assert.equal(placeOf(direct.settings), 'service db of compose project app')
})
