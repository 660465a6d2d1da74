import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, changesNothing } from './expect.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'
import { artifactOf, flipBit } from './tamper.ts'

/** Rows of large tables are authenticated while they are loaded beside: damage in them must stop there. */
const base = await startReadyLab()
await base.sql(`create table events (id bigint primary key, what text not null);
  insert into events select n, repeat(md5(n::text), 10) from generate_series(1, 60000) n`)
const point = await backUp(base)

async function rowsOf(lab: Lab): Promise<string> {
  const { components } = await lab.json<{ components: { artifacts: { role: string; number: number }[] }[] }>([
    'show',
    point,
  ])
  const rows = components.flatMap(({ artifacts }) => artifacts).find(({ role }) => role === 'rows-0001')
  return artifactOf(point, rows?.number ?? 0)
}

test('a flipped bit in the last chunk of a large table leaves the live database and nothing beside it', async () => {
  for (const place of ['last', 'first'] as const) {
    const lab = await forkLab(base)
    const rows = await rowsOf(lab)
    const { size } = await stat(join(lab.repository, rows))
    await flipBit(lab, rows, place === 'last' ? size - 1 : 200)
    const number = Number(rows.slice(-6))
    await changesNothing(lab, async () => {
      const { report } = await lab.json<{ report: { outcome: string; failure: { kind: string; message: string } } }>(
        ['restore', '--at', point, '--yes', '--no-safety-point'],
        30,
      )
      assert.deepEqual([report.outcome, report.failure.kind], ['stopped', 'corrupt'])
      assert.match(report.failure.message, new RegExp(`^artifact ${number} of restore point ${point}: `))
    })
  }
})

test('a drill of the same point fails and says why', async () => {
  const lab = await forkLab(base)
  const rows = await rowsOf(lab)
  await flipBit(lab, rows, (await stat(join(lab.repository, rows))).size - 1)
  const { report } = await lab.json<{ report: { ok: boolean; failure: { kind: string } } }>(
    ['drill', '--at', point],
    30,
  )
  assert.deepEqual([report.ok, report.failure.kind], [false, 'corrupt'])
})
