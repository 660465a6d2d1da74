import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumpWith } from '../parts/dump-tools.ts'
import { startReadyLab } from './lab.ts'

const lab = await startReadyLab()

interface Imported {
  readonly report: {
    readonly point: string
    readonly outcome: string
    readonly origin: { readonly sha256: string; readonly bytes: number }
  }
}

test('a plain dump becomes a restore point that is drilled', { timeout: 300_000 }, async () => {
  const file = join(lab.folder, 'portal.sql')
  await dumpWith(lab.postgres, 'pg_dump', ['--file', file, 'portal'])
  const { report } = await lab.json<Imported>(['import', 'sql', file, 'portal'], 3)
  assert.equal(report.outcome, 'incomplete')
  await lab.json(['drill', 'portal', '--at', report.point])
})
