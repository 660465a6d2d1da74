import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { DumpsReport } from '../../src/operations/import/import-dumps.ts'
import type { PointsReport } from '../../src/operations/points/list-points.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { startReadyLab } from './lab.ts'

/** Years of dumps in one folder become points in one go. */
const lab = await startReadyLab()
const folder = join(lab.folder, 'old')
// The client tools of this machine may be such as archives need trust for.
const temporary = { TMPDIR: join(lab.folder, 't') }
await mkdir(temporary.TMPDIR)
for (const path of [lab.folder, temporary.TMPDIR]) await chmod(path, 0o711)
// The oldest is the last by name.
await mkdir(join(folder, 'years ago'), { recursive: true })
const plain = await dumpWith(lab.postgres, 'pg_dump', ['portal'])
await writeFile(join(folder, 'years ago', 'portal.sql.gz'), gzipSync(plain))
await utimes(join(folder, 'years ago', 'portal.sql.gz'), 1_550_000_000, 1_550_000_000)
await dumpWith(lab.postgres, 'pg_dump', ['--format=custom', `--file=${join(folder, 'portal.dump')}`, 'portal'])
const custom = await readFile(join(folder, 'portal.dump'))
await utimes(join(folder, 'portal.dump'), 1, 1)
await writeFile(join(folder, 'cut.dump'), custom.subarray(0, custom.length - 500))
await utimes(join(folder, 'cut.dump'), 2, 2)
await writeFile(join(folder, 'notes.txt'), 'do not forget the keys')
await dumpWith(lab.postgres, 'pg_dump', ['--format=directory', `--file=${join(folder, 'portal.dir')}`, 'portal'])

async function importAll(where: string, code: number): Promise<DumpsReport> {
  const ran = await lab.runWith(temporary, 'import', 'dumps', where, '--accept', 'trust-dump', '--json')
  assert.equal(ran.code, code, ran.out + ran.error)
  return (JSON.parse(ran.out) as { report: DumpsReport }).report
}

const told = ({ dumps }: DumpsReport): string[] => dumps.map(({ name, outcome }) => `${name} ${outcome}`)

test('every dump below a folder becomes a point, the oldest first, and what fails stops none', async () => {
  const report = await importAll(folder, 3)
  assert.deepEqual(told(report).slice(0, 1), ['years ago/portal.sql.gz incomplete'])
  assert.deepEqual(told(report).toSorted(), [
    'cut.dump failed',
    'portal.dir incomplete',
    'portal.dump incomplete',
    'years ago/portal.sql.gz incomplete',
  ])
  assert.deepEqual(report.notDumps, ['notes.txt'])
  const ofYear = (name: string): string =>
    `${report.dumps.find((one) => one.name === name)?.dumpedBy} ${report.dumps.find((one) => one.name === name)?.dumped.slice(0, 4)}`
  assert.equal(ofYear('years ago/portal.sql.gz'), 'file 2019')
  // An archive says itself when it was made, whatever the file's times say.
  assert.equal(ofYear('portal.dump'), `dump ${new Date().getUTCFullYear()}`)
  assert.equal(ofYear('portal.dir'), `dump ${new Date().getUTCFullYear()}`)
  const { points } = await lab.json<PointsReport>(['points'])
  assert.equal(points.length, 3)
  assert.ok(points.every(({ held }) => held))
  assert.match(String(points[0]?.remarks), /imported dump,file of 2019-02-12/)
})

test('what was imported is passed over, also by another machine that has an identity', async () => {
  const again = await importAll(folder, 3)
  assert.equal(again.dumps.filter(({ outcome }) => outcome === 'imported before').length, 3)
  await rm(join(lab.folder, 'state', 'imported-portal.json'))
  const others = await importAll(join(folder, 'portal'), 0)
  assert.deepEqual(told(others).toSorted(), ['portal.dir imported before', 'portal.dump imported before'])
  assert.equal((await lab.json<PointsReport>(['points'])).points.length, 3)
})
