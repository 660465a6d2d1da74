import '../parts/on-disk.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startReadyLab } from '../e2e/lab.ts'
import { withinMemory } from '../e2e/measured.ts'
import { differingLines, dumpLines } from '../parts/postgres-dump-text.ts'

/** `npm run soak` asks for a gigabyte; elsewhere enough that our process would be over its limit if it held all of it. */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const ROWS = SOAK ? 1_000 : 200
const LIMIT = SOAK ? 3_600_000 : 600_000

const lab = await startReadyLab()

test(`${ROWS} values of a megabyte that does not compress, by the command line`, { timeout: LIMIT }, async (t) => {
  await lab.edit(({ apps }) => {
    delete apps['portal']!.components['files']
  })
  await lab.sql(`create table wide (id int primary key, body bytea); alter table wide alter body set storage external`)
  for (let n = 0; n < ROWS; n++)
    await lab.sql(
      `insert into wide select ${n}, decode(string_agg(md5(${n} || ' ' || m), ''), 'hex') from generate_series(1, 65536) m`,
    )
  const text = (): Promise<string[]> => dumpLines(lab.postgres.server, Number(lab.postgres.process?.version), 'portal')
  const before = await text()
  await withinMemory(t, lab, ['backup', 'portal'])
  await lab.sql('delete from wide where id % 2 = 0; update wide set body = null')
  assert.notDeepEqual(differingLines(before, await text()), [])
  // What our own command prints; the shapes are compared elsewhere.
  const { report } = (await withinMemory(t, lab, ['restore', 'portal', '--no-safety-point', '--yes'])) as {
    report: { outcome: string; differences: unknown[] }
  }
  assert.deepEqual([report.outcome, report.differences], ['done', []])
  assert.deepEqual(differingLines(before, await text()), [])
})
