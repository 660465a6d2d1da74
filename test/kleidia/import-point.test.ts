import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { PointsReport } from '../../src/operations/points/list-points.ts'
import { expectFailure } from '../e2e/expect.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { damaged, KLEIDIA_PASSWORD, MOUNT, secrets, startKleidiaLab } from './kleidia-lab.ts'

const kleidia = await startKleidiaLab()
const { lab, bao } = kleidia
const opens = { HOLDFAST_KLEIDIA_PASSWORD: KLEIDIA_PASSWORD }
const LIMIT = { timeout: 300_000 }

interface Printed {
  readonly report: {
    readonly files: readonly {
      readonly name: string
      readonly outcome: string
      readonly failure?: { readonly kind: string; readonly message: string }
      readonly imported?: {
        readonly point: string
        readonly sha256: string
        readonly made?: { readonly missing: readonly string[]; readonly notCaptured: readonly string[] }
      }
    }[]
  }
}

async function imported(path: string, code = 0, ...options: readonly string[]): Promise<Printed['report']['files']> {
  const ran = await lab.runWith(opens, 'import', 'kleidia-v1', path, 'portal', '--json', ...options)
  assert.equal(ran.code, code, ran.out + ran.error)
  assert.ok(!`${ran.out}${ran.error}`.includes('canary-of-jwt'))
  // What our own command prints; the shapes are compared elsewhere.
  return (JSON.parse(ran.out) as Printed).report.files
}

const pointsNow = async (): Promise<PointsReport['points']> => (await lab.json<PointsReport>(['points'])).points

/** The database without what differs in every dump. */
async function content(): Promise<string> {
  const text = await dumpWith(lab.postgres, 'pg_dump', ['portal'])
  return text.replaceAll(/^\\(?:un)?restrict .*$|^-- Dumped.*$/gm, '')
}

let file: string
before(async () => {
  file = await kleidia.write('backup-full-20260117-120000.enc', { sql: await kleidia.sql(), secrets })
})

test('a file becomes a restore point that is verified, drilled, restored and undone', LIMIT, async () => {
  const was = await content()
  const [made] = await imported(file)
  const point = made?.imported?.point ?? ''
  assert.equal(made?.outcome, 'imported')
  assert.deepEqual(made.imported?.made?.missing, [])
  assert.match(made.imported?.made?.notCaptured.join('\n') ?? '', /versions, deletions and metadata/)
  await lab.json(['verify', point])
  await lab.json(['drill', '--at', point])

  await lab.sql('delete from sessions')
  await kleidia.put('jwt-secret', '{"secret":"other"}')
  await bao.must('POST', `${MOUNT}/metadata/jwt-secret`, { custom_metadata: { owner: 'kept' }, max_versions: 7 })
  await kleidia.put('of-another', '{"stays":true}')
  const { report } = await lab.json<{ report: { outcome: string } }>(['restore', '--at', point, '--yes'])
  assert.equal(report.outcome, 'done')
  assert.equal(await content(), was)
  for (const [name, text] of Object.entries(secrets)) assert.deepEqual(await kleidia.get(name), JSON.parse(text), name)
  assert.deepEqual(await kleidia.get('of-another'), { stays: true })
  const metadata = JSON.stringify(await bao.must('GET', `${MOUNT}/metadata/jwt-secret`))
  assert.match(metadata, /"owner":"kept"/, 'what the file does not hold is left as it is')
  assert.match(metadata, /"max_versions":7/)

  await lab.json(['undo', '--yes'])
  assert.deepEqual(await kleidia.get('jwt-secret'), { secret: 'other' })
  assert.equal(await kleidia.get('database'), null, 'deleted again')
})

test('it is marked, held, never the latest, and taken once', LIMIT, async () => {
  const renamed = join(lab.folder, 'renamed.enc')
  await writeFile(renamed, await readFile(file))
  const [again] = await imported(renamed)
  assert.equal(again?.outcome, 'imported before')
  const { points } = await lab.json<{ points: { point: string; held: boolean; remarks: string[] }[] }>(['points'])
  const found = points.filter(({ point }) => point === again.imported?.point)
  assert.deepEqual(
    found.map(({ held, remarks }) => [held, remarks]),
    [[true, ['imported KLEIDIA_BACKUP_V1', `of the file with SHA-256 ${again.imported?.sha256}`]]],
  )
})

test('what fails is in the report and in no list, and the others are taken', LIMIT, async () => {
  const folder = join(lab.folder, 'bucket')
  await mkdir(folder)
  const bytes = await readFile(file)
  await writeFile(join(folder, 'a-before.enc'), bytes)
  await damaged(file, join(folder, 'b-damaged.enc'))
  await writeFile(join(folder, 'c-cut-off.enc'), bytes.subarray(0, bytes.length - 1000))
  const hostile = (await kleidia.sql()).replace('SET statement_timeout = 0;', '\\! touch /tmp/owned')
  await kleidia.write('bucket/d-hostile.enc', { sql: hostile, secrets })
  await kleidia.write('bucket/e-path.enc', { secrets: { '../../sys/policies/acl/root': '{"policy":"x"}' } })
  await kleidia.write('bucket/f-whole.enc', { secrets: { only: '{"a":1}' } })
  await kleidia.write('bucket/g-password.enc', { secrets }, 'another password')
  for (const json of ['d-hostile', 'e-path', 'f-whole', 'g-password']) await rm(join(folder, `${json}.enc.json`))
  const points = await pointsNow()
  const files = await imported(folder, 3)
  assert.deepEqual(
    files.map(({ name, outcome, failure }) => [name, outcome, failure?.kind]),
    [
      ['a-before.enc', 'imported before', undefined],
      ['b-damaged.enc', 'failed', 'corrupt'],
      ['c-cut-off.enc', 'failed', 'corrupt'],
      ['d-hostile.enc', 'failed', 'refused'],
      ['e-path.enc', 'failed', 'refused'],
      ['f-whole.enc', 'incomplete', undefined],
      ['g-password.enc', 'failed', 'denied'],
    ],
  )
  assert.deepEqual(files[5]?.imported?.made?.missing, ['database'])
  const added = (await pointsNow()).filter(({ point }) => !points.some((one) => one.point === point))
  assert.deepEqual(
    added.map(({ point }) => point),
    [files[5].imported.point],
  )
  const again = await imported(folder, 3)
  assert.equal(again[5]?.outcome, 'imported before')
})

test('one file that fails alone is the failure of the command, and nothing is left', LIMIT, async () => {
  const temporary = join(lab.folder, 'temporary')
  await mkdir(temporary)
  const environment = { ...opens, TMPDIR: temporary }
  const points = await pointsNow()
  await expectFailure(
    lab,
    ['import', 'kleidia-v1', join(lab.folder, 'bucket', 'b-damaged.enc'), 'portal'],
    { code: 30, kind: 'corrupt', message: /damaged/, hint: /./ },
    environment,
  )
  await expectFailure(
    lab,
    ['import', 'kleidia-v1', join(lab.folder, 'bucket', 'd-hostile.enc'), 'portal'],
    { code: 13, kind: 'refused', message: /d-hostile.*a line that psql would take/, hint: /./ },
    environment,
  )
  const other = await kleidia.write('other.enc', { secrets: { other: '{}' } })
  await expectFailure(
    lab,
    ['import', 'kleidia-v1', other, 'portal', '--mount', 'unknown'],
    { code: 2, kind: 'usage', message: /which KV mount/, hint: /--mount/ },
    environment,
  )
  assert.deepEqual(await pointsNow(), points)
  assert.deepEqual(await readdir(temporary), [])
})

test('a restore point is exported, read by the other reader, and imported again', LIMIT, async () => {
  for (const [name, text] of Object.entries(secrets)) await kleidia.put(name, text)
  const { report } = await lab.json<{ report: { point: string } }>(['backup'])
  const path = join(lab.folder, 'exported.enc')
  const exported = ['export', 'kleidia-v1', report.point, '--output', path, '--json'] as const
  const ran = await lab.runWith(opens, ...exported)
  assert.equal(ran.code, 0, ran.out + ran.error)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const read = (await kleidia.read(path)) as { header: unknown; database_sql: string; vault_secrets: object }
  assert.match(read.database_sql, /CREATE TABLE public\.users/)
  assert.match(read.database_sql, /PostgreSQL database dump complete/)
  for (const [name, text] of Object.entries(secrets))
    assert.deepEqual(Object.getOwnPropertyDescriptor(read.vault_secrets, name)?.value, JSON.parse(text))
  const [made] = await imported(path)
  await lab.json(['drill', '--at', made?.imported?.point ?? ''])
  const again = await lab.runWith(opens, ...exported)
  assert.equal(again.code, 13)
  assert.match(again.out, /is there already/)
})

test('one component alone is exported as the format names it', LIMIT, async () => {
  const [latest] = (await pointsNow()).slice(-1)
  for (const [component, type, has] of [
    ['database', 'database-only', 'database_sql'],
    ['keys', 'vault-only', 'vault_secrets'],
  ] as const) {
    const path = join(lab.folder, `${component}.enc`)
    const place = ['--component', component, '--output', path]
    const ran = await lab.runWith(opens, 'export', 'kleidia-v1', latest?.point ?? '', ...place)
    assert.equal(ran.code, 0, ran.error)
    assert.match(ran.out, /weak: /)
    const read = (await kleidia.read(path)) as { header: { backup_type: string } }
    assert.deepEqual([read.header.backup_type, Object.keys(read)], [type, ['header', has]])
  }
  const short = { HOLDFAST_KLEIDIA_PASSWORD: 'short' }
  const ran = await lab.runWith(short, 'export', 'kleidia-v1', latest?.point ?? '', '--output', join(lab.folder, 'no'))
  assert.equal(ran.code, 2)
})
