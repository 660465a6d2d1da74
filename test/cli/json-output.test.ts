import assert from 'node:assert/strict'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startLab, type Lab } from '../e2e/lab.ts'
import { ShapeCheck, shapesOf } from './shape.ts'

const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'cli-output.md'), 'utf8')
const shapes = new ShapeCheck(shapesOf(page))

/** Parts of the page that this session does not bring about. */
const ELSEWHERE = [
  // A folder repository has nothing to remark or to find; an S3 server has.
  'init.report.findings[]',
  'backup.report.repositories[].remarks[]',
  'summary.remarks[]',
  // Needs a server that refuses to drop the previous database.
  'prune.forgotten[].failure?',
  // Needs an archive that is whole and that its tool cannot read.
  'verify.report.examined[].failure?',
]

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

test('every command prints what docs/cli-output.md says', { timeout: 300_000 }, async () => {
  const lab = await startLab()
  const point = await throughTheJob(lab)
  await throughKeys(lab)
  await throughDamage(lab, point)
  assert.deepEqual(
    shapes.unseen().filter((part) => !ELSEWHERE.includes(part)),
    [],
    'on the page, but no command printed it',
  )
})

/** What this session uses of the documents; the page says the rest. */
interface Printed {
  readonly report: { readonly point: string; readonly restoreId: string }
  readonly plans: readonly { readonly plan: { readonly hash: string } }[]
  readonly reports: readonly { readonly removed: readonly string[] }[]
}

/** Runs a command and compares what it prints with the shape of this name. */
async function printed(lab: Lab, shape: string, args: readonly string[], code = 0): Promise<Printed> {
  const document = await lab.json<Printed>(args, code)
  assert.deepEqual(shapes.problems(shape, document), [], `holdfast ${args.join(' ')}`)
  return document
}

async function throughTheJob(lab: Lab): Promise<string> {
  await printed(lab, 'init', ['init', '--identity-file', join(lab.folder, 'etc', 'identity.txt')])
  await printed(lab, 'check', ['check'])
  await printed(lab, 'backup --dry-run', ['backup', '--dry-run'])
  const { report } = await printed(lab, 'backup', ['backup'])
  await printed(lab, 'verify', ['verify', 'latest'])
  await printed(lab, 'drill', ['drill'])
  await printed(lab, 'restore --dry-run', ['restore', '--dry-run'])
  await throughScratch(lab)
  await printed(lab, 'restore', ['restore', '--target', 'beside'])
  await printed(lab, 'error', ['restore', '--yes'], 13)
  await printed(lab, 'restore --abandon', ['restore', '--abandon'])
  await printed(lab, 'restore', ['restore', '--target', 'beside'])
  await printed(lab, 'restore --resume', ['restore', '--resume'])
  await printed(lab, 'restore', ['restore', '--yes'])
  await printed(lab, 'undo --dry-run', ['undo', '--dry-run'])
  await printed(lab, 'undo', ['undo', '--yes'])
  await throughKeeping(lab, report.point)
  return report.point
}

async function throughScratch(lab: Lab): Promise<void> {
  const { report } = await printed(lab, 'restore --target scratch', ['restore', '--target', 'scratch'])
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
  const { reports } = await printed(lab, 'prune', ['prune', '--approve', plans[0]!.plan.hash])
  await printed(lab, 'points', ['points'])
  await printed(lab, 'hold', ['undelete', reports[0]!.removed[0]!])
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

async function throughDamage(lab: Lab, point: string): Promise<void> {
  await lab.edit((config) => {
    const portal = config.apps['portal']!
    portal.components['gone'] = { kind: 'files', path: join(lab.folder, 'not-there') }
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
