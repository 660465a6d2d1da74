import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleFile, sampleHeader, sampleJson, samplePassword } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { withClock } from '../e2e/in-process.ts'
import { startLab, type Lab } from '../e2e/lab.ts'
import { ShapeCheck, shapesOf } from './shape.ts'
import { ELSEWHERE } from './shapes-elsewhere.ts'

const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'cli-output.md'), 'utf8')
const shapes = new ShapeCheck(shapesOf(page))

test('what is not on the page is found, and what was never seen', () => {
  const planted = new ShapeCheck(
    new Map<string, unknown>([
      ['it', { a: 'integer', 'b?': ['x | y'], c: 'inner' }],
      ['inner', { d: 'time | null' }],
    ]),
  )
  assert.deepEqual(planted.problems('it', { a: 1, b: ['x'], c: { d: null } }), [])
  assert.deepEqual(planted.problems('it', { a: '1', b: ['z'], c: { d: 'noon', e: 1 } }), [
    'it.a: "1" is not integer',
    'it.b[0]: "z" is not x | y',
    'it.c.e: not on the page',
    'it.c.d: "noon" is not time | null',
  ])
  assert.deepEqual(planted.problems('it', { a: 1 }), ['it.c: missing'])
  assert.deepEqual(new ShapeCheck(new Map([['it', ['integer']]])).unseen(), ['it', 'it[]'])
})

test('every command prints what docs/reference/cli-output.md says', { timeout: 600_000 }, async () => {
  const lab = await startLab()
  const point = await throughTheJob(lab)
  await throughDumps(lab, point)
  await throughKeys(lab)
  await throughImport(lab)
  await throughDamage(lab, point)
  assert.deepEqual(
    shapes.unseen().filter((part) => !ELSEWHERE.includes(part)),
    [],
    'on the page, but no command printed it',
  )
})

/** What this session uses of the documents; the page says the rest. */
interface Printed {
  readonly report: { readonly point: string; readonly restoreId: string; readonly note: string; readonly held: boolean }
  readonly retained: readonly { readonly component: string; readonly bytes: number | null }[]
  readonly plans: readonly { readonly plan: { readonly hash: string } }[]
  readonly reports: readonly { readonly removed: readonly string[] }[]
}

/** Runs a command in this process, and compares what it prints with the shape of this name. */
async function printed(lab: Lab, shape: string, args: readonly string[], code = 0): Promise<Printed> {
  const ran = await withClock(lab, 0, ...args, '--json')
  assert.equal(ran.code, code, `holdfast ${args.join(' ')}: ${ran.out}${ran.error}`)
  // The shape is compared with the page below.
  const document = JSON.parse(ran.out) as Printed
  assert.deepEqual(shapes.problems(shape, document), [], `holdfast ${args.join(' ')}`)
  return document
}

async function throughTheJob(lab: Lab): Promise<string> {
  await printed(lab, 'init', ['init', '--identity-file', join(lab.folder, 'etc', 'identity.txt')])
  await declareKeyFit(lab, 'portal')
  await printed(lab, 'check', ['check'])
  await printed(lab, 'grants', ['grants', 'restore'])
  await printed(lab, 'schedule export', ['schedule', 'export', 'systemd', '--output', join(lab.folder, 'units')])
  await throughPause(lab)
  const label = ['--note', 'before the job', '--hold']
  await printed(lab, 'backup --dry-run', ['backup', '--dry-run', ...label])
  const { report } = await printed(lab, 'backup', ['backup', ...label])
  assert.deepEqual([report.note, report.held], ['before the job', true])
  await printed(lab, 'backup --if-changed', ['backup', '--if-changed'])
  await printed(lab, 'verify', ['verify', 'latest'])
  await printed(lab, 'status', ['status'], 3)
  await printed(lab, 'drill', ['drill'])
  await printed(lab, 'restore --dry-run', ['restore', '--dry-run'])
  await throughScratch(lab)
  await throughLeavingOut(lab)
  await throughAnotherPlace(lab)
  await printed(lab, 'restore', ['restore', '--target', 'stage'])
  await printed(lab, 'error', ['restore', '--yes'], 13)
  await printed(lab, 'restore --abandon', ['restore', '--abandon'])
  await printed(lab, 'restore', ['restore', '--target', 'stage'])
  await printed(lab, 'restore --continue', ['restore', '--continue'])
  const restored = await printed(lab, 'restore', ['restore', '--yes', '--accept', 'key-misfit-portal-key'])
  await printed(lab, 'undo --dry-run', ['undo', '--dry-run'])
  const { retained } = await printed(lab, 'undo --list', ['undo', '--list'])
  // A few values that are set aside have no size.
  const sizes = retained.filter(({ component }) => component !== 'secrets').map(({ bytes }) => bytes ?? 0)
  assert.ok(sizes.length > 1 && sizes.every((bytes) => bytes > 0), JSON.stringify(retained))
  await printed(lab, 'undo', ['undo', '--yes'])
  await printed(lab, 'undo --forget', ['undo', '--forget', restored.report.restoreId, '--yes'])
  await throughKeeping(lab, report.point)
  return report.point
}

/** A key in a file, which the data says is `expected`. */
async function declareKeyFit(lab: Lab, expected: string): Promise<void> {
  const file = join(lab.folder, 'portal.key')
  await writeFile(file, 'portal')
  await lab.edit((config) => {
    const portal = config.apps['portal']! as Record<string, unknown> & { components: Record<string, unknown> }
    portal.components['secrets'] = { kind: 'secrets', secrets: { key: { file } } }
    const rows = { component: 'database', sql: `select '${expected}' as key` }
    portal['schedules'] = { backup: { cron: '0 2 * * *' } }
    portal['keyFit'] = [
      {
        kind: 'declared',
        name: 'portal-key',
        required: false,
        keys: { key: { kind: 'secret', component: 'secrets', secret: 'key' } },
        proofs: [
          { kind: 'equal', about: 'the key', rows, value: { column: 'key' }, key: 'key' },
          { kind: 'stable', about: 'names', rows, hash: 'sha256', template: '{key}' },
        ],
      },
    ]
  })
}

/** From here on the app has a program that always runs, and files that are captured while it does not. */
async function throughPause(lab: Lab): Promise<void> {
  await lab.edit((config) => {
    const app = { running: ['true'], stop: ['true'], start: ['true'] }
    Object.assign(config.apps['portal']!, { platform: { kind: 'host', workloads: { app } } })
    config.apps['portal']!.components['files']!['captureWhile'] = 'paused'
    Object.assign(config.apps['portal']!, { windows: [{ from: '00:00', to: '00:00' }] })
  })
  await printed(lab, 'pause --dry-run', ['pause', '--dry-run', '--accept', 'outside-window'])
  await printed(lab, 'pause', ['pause', '--for', '2h', '--reason', 'upgrade', '--yes'])
  await printed(lab, 'guard', ['guard'])
  await printed(lab, 'resume --dry-run', ['resume', '--dry-run', '--accept', 'unsure-data'])
  await printed(lab, 'resume', ['resume'])
}

/** A folder beside the app's own. */
async function throughAnotherPlace(lab: Lab): Promise<void> {
  const place = ['--component', 'files', '--into', `files.path=${join(lab.folder, 'copy')}`]
  await printed(lab, 'restore --dry-run', ['restore', '--dry-run', ...place])
  await printed(lab, 'restore', ['restore', '--target', 'stage', ...place])
  await printed(lab, 'restore --abandon', ['restore', '--abandon', ...place])
  const { report } = await printed(lab, 'restore', ['restore', '--yes', ...place])
  await printed(lab, 'undo --list', ['undo', '--list'])
  await printed(lab, 'undo --dry-run', ['undo', '--dry-run', '--restore', report.restoreId])
  await printed(lab, 'undo', ['undo', '--yes', '--restore', report.restoreId])
  await printed(lab, 'undo --forget', ['undo', '--forget', report.restoreId, '--yes'])
}

/** A trigger that PostgreSQL cannot make again. */
async function throughLeavingOut(lab: Lab): Promise<void> {
  await lab.sql(`create table space (a int, v int); create function bump() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger bump before update on space for each row when (old is distinct from new) execute function bump();
    alter table space add column b int generated always as (a + 1) stored`)
  await printed(lab, 'backup', ['backup'])
  const without = ['--accept', 'without-triggers']
  await printed(lab, 'drill', ['drill', ...without])
  await printed(lab, 'restore --dry-run', ['restore', '--dry-run', '--component', 'database', ...without])
  await printed(lab, 'restore', ['restore', '--target', 'stage', ...without])
  await printed(lab, 'restore --abandon', ['restore', '--abandon'])
  await lab.sql('drop table space; drop function bump')
  await printed(lab, 'backup', ['backup'])
}

async function throughScratch(lab: Lab): Promise<void> {
  const { report } = await printed(lab, 'restore --target scratch', ['restore', '--target', 'scratch', '--listen'])
  await printed(lab, 'scratch list', ['scratch', 'list'])
  await printed(lab, 'scratch remove', ['scratch', 'remove', report.restoreId])
}

async function throughKeeping(lab: Lab, point: string): Promise<void> {
  await printed(lab, 'hold', ['hold', point])
  await printed(lab, 'hold', ['release', point])
  await lab.edit((config) => {
    config.apps['portal']!.retention = { last: 1, minimum: 1 }
    config.apps['portal']!.components['files']!['keepPreviousHours'] = 0.0001
  })
  await printed(lab, 'backup', ['backup'])
  await printed(lab, 'prune', ['prune'], 13)
  const { plans } = await printed(lab, 'prune --dry-run', ['prune', '--dry-run'])
  const { reports } = await printed(lab, 'prune', ['prune', '--accept', `prune-${plans[0]!.plan.hash}`])
  await printed(lab, 'points', ['points'])
  await printed(lab, 'hold', ['undelete', reports[0]!.removed[1]!])
  const byName = ['remove', reports[0]!.removed[1]!]
  await printed(lab, 'remove --dry-run', [...byName, '--dry-run', '--accept', 'last-good'])
  await printed(lab, 'remove', [...byName, '--yes'])
  await printed(lab, 'remove', [...byName, '--now', '--yes'])
  await printed(lab, 'hold', ['undelete', point])
}

async function throughDumps(lab: Lab, point: string): Promise<void> {
  const dump = join(lab.folder, 'portal.sql')
  await printed(lab, 'export', ['export', point, '--format', 'sql', '--output', dump])
  await mkdir(join(lab.folder, 'old'))
  await writeFile(join(lab.folder, 'old', 'cut.sql'), (await readFile(dump)).subarray(0, 2000))
  await writeFile(join(lab.folder, 'old', 'notes.txt'), 'no dump')
  await rename(dump, join(lab.folder, 'old', 'portal.sql'))
  await printed(lab, 'import dumps', ['import', 'dumps', join(lab.folder, 'old')], 3)
  await printed(lab, 'import', ['import', 'sql', join(lab.folder, 'old', 'portal.sql')], 3)
}

async function throughKeys(lab: Lab): Promise<void> {
  await printed(lab, 'key list', ['key', 'list'])
  await printed(lab, 'key change', ['key', 'add', 'second'])
  await printed(lab, 'key change', ['key', 'export', 'second', '--to', join(lab.folder, 'second.txt')])
  const changed = await lab.runWith(
    { HOLDFAST_NEW_PASSWORD: 'another long password' },
    'key',
    'change-password',
    'second',
    '--json',
  )
  assert.deepEqual(shapes.problems('key change', JSON.parse(changed.out)), [])
  await printed(lab, 'key change', ['key', 'remove', 'second'])
  await printed(lab, 'key change', ['key', 'rewrap'])
}

async function throughImport(lab: Lab): Promise<void> {
  const folder = join(lab.folder, 'kleidia')
  await mkdir(folder)
  const header = { created_at: '1999-01-01T00:00:00Z' }
  const json = sampleJson().replace('{"header"', '{"later":1,"header"')
  await writeFile(join(folder, 'unknown-part.enc'), sampleFile({ header, json }))
  await writeFile(join(folder, 'cut-off.enc'), sampleFile().subarray(0, 300))
  const args = ['import', 'kleidia-v1', folder, '--unpack', join(lab.folder, 'unpacked'), '--json']
  const ran = await lab.runWith({ HOLDFAST_KLEIDIA_PASSWORD: samplePassword }, ...args)
  assert.equal(ran.code, 3, ran.error)
  assert.deepEqual(shapes.problems('import kleidia-v1', JSON.parse(ran.out)), [])
  await throughKleidiaPoints(lab, folder)
}

/** The files of the app are in no such file, so that the point is incomplete. */
async function throughKleidiaPoints(lab: Lab, folder: string): Promise<void> {
  const sql = JSON.stringify(await dumpWith(lab.postgres, 'pg_dump', ['portal']))
  const header = JSON.stringify({ ...sampleHeader, includes_kv: false })
  const file = join(folder, 'database.enc')
  await writeFile(file, sampleFile({ json: `{"header":${header},"database_sql":${sql}}` }))
  const printedOf = async (shape: string, code: number, ...args: readonly string[]): Promise<string> => {
    const ran = await lab.runWith({ HOLDFAST_KLEIDIA_PASSWORD: samplePassword }, ...args, '--json')
    assert.equal(ran.code, code, ran.error)
    assert.deepEqual(shapes.problems(shape, JSON.parse(ran.out)), [])
    return /"point": *"([0-9a-f]{32})"/.exec(ran.out)?.[1] ?? ''
  }
  const point = await printedOf('import kleidia-v1', 3, 'import', 'kleidia-v1', file, 'portal')
  await printedOf('import kleidia-v1', 0, 'import', 'kleidia-v1', file, 'portal')
  await printed(lab, 'points', ['points'])
  const full = await printed(lab, 'backup', ['backup'])
  for (const [name, exported] of [point, full.report.point].entries()) {
    const output = join(folder, `exported-${name}.enc`)
    await printedOf('export kleidia-v1', 0, 'export', 'kleidia-v1', exported, '--output', output)
  }
}

async function throughDamage(lab: Lab, point: string): Promise<void> {
  await declareKeyFit(lab, 'another')
  await lab.edit((config) => {
    const portal = config.apps['portal']!
    portal.components['gone'] = { kind: 'files', path: join(lab.folder, 'not-there') }
    portal.components['database']!['withoutRows'] = ['public.job_history']
    portal.components['database']!['checks'] = [{ name: 'a check that fails', sql: 'select 1', expect: 2 }]
    config.repositories['away'] = {
      url: `file://${lab.folder}/not-mounted`,
      recipients: config.repositories['main']!['recipients'],
    }
    portal.repositories.push('away')
  })
  const { report } = await printed(lab, 'backup', ['backup'], 3)
  await printed(lab, 'show', ['show', report.point])
  await printed(lab, 'show', ['show', point])
  await printed(lab, 'restore --dry-run', ['restore', '--dry-run', '--at', report.point])
  await printed(lab, 'drill', ['drill', '--at', point], 30)
  await printed(lab, 'restore', ['restore', '--yes', '--at', point, '--no-safety-point'], 30)
  await lab.edit((config) => void config.apps['portal']!.repositories.pop())
  await printed(lab, 'prune --dry-run', ['prune', '--dry-run'])
  await printed(lab, 'verify', ['verify', report.point])
  await printed(lab, 'drill', ['drill', '--at', report.point], 30)
  await damage(join(lab.repository, 'data', report.point, 'keys-1'))
  await printed(lab, 'prune --dry-run', ['prune', '--dry-run'], 30)
  await printed(lab, 'verify', ['verify', report.point], 30)
  await damage(join(lab.repository, 'data', point, '000001'))
  await printed(lab, 'verify', ['verify', point], 30)
  await printed(lab, 'drill', ['drill', '--at', point], 30)
  await damage(join(lab.repository, 'points', `${point}.json`))
  await rm(join(lab.repository, 'points', `${report.point}.json`))
  await printed(lab, 'prune --dry-run', ['prune', '--dry-run'])
  await lab.edit((config) => void config.apps['portal']!.repositories.push('away'))
  await printed(lab, 'points', ['points'], 30)
}

/** One bit, and one byte too many. */
async function damage(file: string): Promise<void> {
  await chmod(file, 0o600)
  const bytes = await readFile(file)
  bytes[200]! ^= 1
  await writeFile(file, Buffer.concat([bytes, Buffer.of(0)]))
}
