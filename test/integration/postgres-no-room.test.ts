import assert from 'node:assert/strict'
import { chown, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../src/core/restore-point.ts'
import { isRoot } from '../../src/system/process/accounts.ts'
import { mountSmallDisk } from '../e2e/small-disk.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

/** A tablespace whose disk holds one copy of the database and not two: beside there is no room, in place there is. */
const context = testContext()
const ROOT_ONLY = isRoot() ? false : 'only root can mount a small disk'
const DISK = 80 * 2 ** 20
const BYTES = 36 * 2 ** 20
const ROW = 6_000

async function startOnSmallDisk(): Promise<TestPostgres> {
  const postgres = await startPrivate()
  const disk = await mountSmallDisk(DISK)
  const folder = join(disk.path, 'space')
  await mkdir(folder, 0o700)
  const { uid, gid } = await stat(join(postgres.process?.folder ?? '', 'data'))
  await chown(folder, uid, gid)
  await postgres.sql('postgres', `create tablespace small location '${folder}'`)
  await postgres.createDatabase('tight', 'tablespace small')
  return postgres
}

function levelOf(findings: readonly Finding[]): string {
  const found = findings.find(({ subject }) => subject === 'disk')
  return `${found?.level}: ${found?.message}. ${found?.hint ?? ''}`
}

for (const [shape, tables, inPlace] of [
  ['one table large enough for lanes', 1, /^ok: /],
  ['many small tables', 4, /^warning: .*the live data is dropped before the rows are loaded/],
] as const) {
  test(
    `no room for a side database, ${shape}: beside fails and changes nothing, in place works`,
    { skip: ROOT_ONLY },
    async () => {
      const postgres = await startOnSmallDisk()
      const rows = Math.floor(BYTES / ROW / tables)
      for (let n = 0; n < tables; n++)
        await postgres.sql(
          'tight',
          `create table public.t${n} (id int primary key, body bytea); alter table public.t${n} alter body set storage external;
        insert into public.t${n} select n, decode(repeat(md5(n::text), 375), 'hex') from generate_series(1, ${rows}) n`,
        )
      const { details, source } = await captureStored(postgres.settings('tight'), context)
      assert.equal(details.lanes.length > 0, tables === 1)
      await postgres.sql('tight', `update public.t0 set id = -id where id <= 10; checkpoint`)
      const swap = await openTarget(postgres.settings('tight'))
      assert.match(levelOf(await swap.preflight(details, context)), /^error: .* free.*--target in-place/)
      await assert.rejects(swap.load(details, source, context), /No space left on device|could not extend/)
      assert.equal(await swap.state(context), 'untouched')
      assert.deepEqual(await postgres.sql('tight', 'select count(*)::int as n from public.t0 where id < 0'), [
        { n: 10 },
      ])
      const over = await openTarget(postgres.settings('tight'), 'in-place')
      assert.match(levelOf(await over.preflight(details, context)), inPlace)
      await over.fence(context)
      await over.load(details, source, context)
      assert.deepEqual(await over.compare(details, context), [])
      await over.swap(details, context)
      await over.reopen(context)
    },
  )
}
