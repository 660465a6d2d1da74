import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { expectFailure, type Points } from '../e2e/expect.ts'
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

const pointsNow = async (): Promise<Points['points']> => (await lab.json<Points>(['points'])).points

/** The database without what differs in every dump. */
async function content(): Promise<string> {
  const text = (await dumpWith(lab.postgres, 'pg_dump', ['portal'])).toString()
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
  const points = await pointsNow()
  const found = points.filter(({ point }) => point === again.imported?.point)
  assert.deepEqual(
    found.map(({ held, remarks }) => [held, remarks]),
    [[true, ['imported KLEIDIA_BACKUP_V1', `of the file with SHA-256 ${again.imported?.sha256}`]]],
  )
})
