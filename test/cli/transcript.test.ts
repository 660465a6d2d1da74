import assert from 'node:assert/strict'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Ran } from '../e2e/holdfast.ts'
import { startLab } from '../e2e/lab.ts'
import { Normalizer } from './normalize.ts'

/**
 * A whole session as an operator sees it, kept in session.txt. What differs from run to run is replaced by placeholders; any
 * other difference fails. HOLDFAST_UPDATE_TRANSCRIPT=1 writes the file anew; read its diff before you commit it.
 */
const golden = join(import.meta.dirname, 'session.txt')
const lab = await startLab()
const normalizer = new Normalizer([
  [lab.folder, '<lab>'],
  [`${lab.postgres.server.host}:${lab.postgres.server.port}`, '<server>'],
  [lab.postgres.server.host, '<socket>'],
])
const session: string[] = []

/** Runs one command line of the transcript: `$ holdfast …`, what it prints, and how it ends. */
async function enter(...args: readonly string[]): Promise<Ran> {
  const ran = await lab.run(...args)
  const shown = [
    `$ holdfast ${args.map(quoted).join(' ')}`,
    ofAnyMachine(ran.out).trimEnd(),
    marked(ofAnyMachine(ran.error)),
    ran.code === 0 ? '' : `[exit ${ran.code}]`,
  ]
  session.push(normalizer.normalize(shown.filter((part) => part !== '').join('\n')))
  return ran
}

/** Without what is said of an old minor release of PostgreSQL, and of getfattr, which a machine has or has not. */
function ofAnyMachine(text: string): string {
  const lines = text.split('\n')
  return lines
    .filter((line) => !/client tools \d|of the PostgreSQL client\.|xtended attributes|package attr/.test(line))
    .join('\n')
}

function quoted(arg: string): string {
  return /^[\w./:=@-]+$/.test(arg) ? arg : `'${arg}'`
}

/** Standard error, line by line. */
function marked(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `| ${line}`)
    .join('\n')
}

function note(text: string): void {
  session.push(`# ${text}`)
}

const HELP = [
  [],
  ['init'],
  ['check'],
  ['grants'],
  ['backup'],
  ['points'],
  ['show'],
  ['verify'],
  ['drill'],
  ['restore'],
  ['undo'],
  ['prune'],
  ['undelete'],
  ['hold'],
  ['release'],
  ['key'],
  ['completion'],
]

async function pointsOf(): Promise<readonly string[]> {
  const { points } = await lab.json<{ points: { point: string }[] }>(['points'])
  return points.map(({ point }) => point)
}

async function mainJob(): Promise<void> {
  note('A database and its keys: set up, back up, prove.')
  await enter('init', '--identity-file', join(lab.folder, 'etc', 'identity.txt'))
  await enter('backup', 'portal', '--dry-run')
  await enter('backup', 'portal')
  await enter('points')
  await enter('points', '--json')
  await enter('verify', 'latest')
  await enter('drill')
  await enter('show', 'latest')
  note('All sessions are deleted, and a key file is gone.')
  const [first = ''] = await pointsOf()
  await lab.sql('delete from sessions')
  await rm(join(lab.files, 'master.key'))
  await enter('restore', '--at', first)
  await enter('restore', '--at', first, '--yes')
  await enter('undo', '--dry-run')
  await enter('undo', '--yes', '--json')
  await enter('undo', '--yes')
}

async function keeping(): Promise<void> {
  note('What is kept, and what goes.')
  const [first = '', second = ''] = await pointsOf()
  await lab.edit(({ apps }) => (apps['portal']!.retention = { last: 1, minimum: 1 }))
  await enter('backup', '--quiet')
  await enter('prune')
  await enter('hold', second)
  await enter('prune', '--dry-run')
  await enter('release', second)
  const { plans } = await lab.json<{ plans: { plan: { hash: string } }[] }>(['prune', '--dry-run'])
  await enter('prune', '--accept', `prune-${plans[0]!.plan.hash}`)
  await enter('undelete', second)
  await enter('points')
  await enter('key', 'list')
  assert.notEqual(first, second)
}

async function mistakes(): Promise<void> {
  note('Mistakes, and what is said to them.')
  await enter('bakcup')
  await enter('backup', 'protal')
  await enter('backup', 'protal', '--json')
  await enter('show', 'ffffffff')
  await enter('verify', 'latest', '--sample', 'half')
  await enter('restore', '--continue')
  await enter('key', 'remove', 'recovery')
  const config = join(lab.folder, 'holdfast.yaml')
  const text = await readFile(config, 'utf8')
  await writeFile(config, text.replace('repositories:', 'repositoris:'))
  await enter('points')
  await writeFile(config, text)
  const point = (await pointsOf()).at(-1) ?? ''
  const artifact = join(lab.repository, 'data', point, '000001')
  const bytes = await readFile(artifact)
  bytes[200] = (bytes[200] ?? 0) ^ 1
  await chmod(artifact, 0o600)
  await writeFile(artifact, bytes)
  note('One bit of the newest point is flipped.')
  await enter('verify', point)
  await enter('restore', '--at', point, '--yes', '--no-safety-point')
  await enter('points')
}

test('the session is the one that is kept', { timeout: 300_000 }, async () => {
  for (const command of HELP) await enter('help', ...command)
  await enter('key', 'export', '--help')
  await mainJob()
  await keeping()
  await mistakes()
  const text = `${session.join('\n\n')}\n`
  if (process.env['HOLDFAST_UPDATE_TRANSCRIPT'] === '1') await writeFile(golden, text)
  assert.equal(text, await readFile(golden, 'utf8'))
})

test('the placeholders stand only for what may differ', () => {
  const plain = new Normalizer([['/tmp/x', '<lab>']])
  const [a, b] = ['0'.repeat(31) + '1', '0'.repeat(31) + '2']
  assert.equal(plain.normalize(`${a} ${b} ${a}`), '<id-1> <id-2> <id-1>', 'the same id is the same placeholder')
  assert.equal(
    plain.normalize('/tmp/x/keys took 1.25 s for 3 points, exit 30'),
    '<lab>/keys took <amount> for 3 points, exit 30',
  )
  assert.equal(plain.normalize('"storedBytes":12,"sequence":12'), '"storedBytes":<number>,"sequence":12')
  assert.equal(
    plain.normalize('refused deadbeef restored'),
    'refused deadbeef restored',
    'a word of the letters a to f is no id',
  )
})
