import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumpWith } from '../parts/dump-tools.ts'
import { backUp, changesNothing } from './expect.ts'
import { withClock } from './in-process.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'
import { readDatabase, readLive } from './live.ts'

/** Names that libpq, SQL, a shell or a path could take for something else, for every command that takes a name. */
const base = await startReadyLab()
// The user who runs throw-away servers must get through.
await chmod(base.folder, 0o711)

const bytes = (from: number, to: number): string =>
  String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, index) => from + index))
const HOSTILE = 'host=evil.example dbname=x'
/** What some parser could take for its own, in one name; `npm run soak` tries each name alone, and every byte. */
const TOGETHER = `${HOSTILE}; rm -rf $(x) \`y\` -- ../..\\[^]{|}\u007F`
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const NAMES = SOAK
  ? [HOSTILE, bytes(1, 63), bytes(64, 126), '\u007F; rm -rf $(x) `y` -- ../..', TOGETHER]
  : [bytes(1, 63), TOGETHER]

interface Outcome {
  readonly report: { readonly outcome?: string; readonly ok?: boolean; readonly point: string }
}

async function named(name: string): Promise<Lab> {
  const lab = await forkLab(base)
  await chmod(lab.folder, 0o711)
  await lab.edit(({ apps }) => {
    const { components } = apps['portal']!
    components['database'] = { ...components['database'], database: name }
    delete components['files']
  })
  await lab.postgres.createDatabase(name)
  await lab.postgres.sql(name, 'create table public.odd as select n from generate_series(1, 127) n')
  return lab
}

async function dropAll(lab: Lab): Promise<void> {
  for (const other of (await readLive(lab)).otherDatabases) await lab.postgres.dropDatabase(other)
}

/** In this process: a command of its own for each would be most of what this takes. */
async function json<Document>(lab: Lab, args: readonly string[]): Promise<Document> {
  const ran = await withClock(lab, 0, ...args, '--json')
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.out}${ran.error}`)
  // The caller names the documented shape of what it asked for.
  return JSON.parse(ran.out) as Document
}

for (const name of NAMES) {
  test(`every command works on the database ${JSON.stringify(name)}`, { timeout: 900_000 }, async () => {
    const lab = await named(name)
    const before = await readDatabase(lab, name)
    assert.equal((await json<{ ok: boolean }>(lab, ['check'])).ok, true)
    for (const purpose of ['backup', 'restore']) {
      const ran = await withClock(lab, 0, 'grants', purpose)
      assert.equal(ran.code, 0, ran.error)
      // As an administrator who pastes it runs it.
      await lab.postgres.sql('postgres', ran.out)
    }
    const {
      report: { point },
    } = await json<Outcome>(lab, ['backup'])
    await json(lab, ['show', point])
    assert.equal((await json<Outcome>(lab, ['verify', point])).report.ok, true)
    assert.equal((await json<Outcome>(lab, ['drill'])).report.ok, true)
    for (const format of ['sql', 'custom', 'directory']) {
      const path = join(lab.folder, `dump.${format}`)
      await json(lab, ['export', point, '--format', format, '--output', path])
      // pg_restore itself lists no archive of a database whose name holds a line break.
      if (format === 'sql' || !/[\r\n]/.test(name))
        await json(lab, ['import', format, path, ...(format === 'sql' ? [] : ['--accept', 'trust-dump'])])
    }
    await assertScratch(lab, point)
    await lab.postgres.sql(name, 'delete from public.odd')
    await json(lab, ['restore', '--at', point, '--target', 'in-place', '--yes'])
    assert.deepEqual(await readDatabase(lab, name), before)
    await json(lab, ['restore', '--at', point, '--target', 'stage', '--yes'])
    await json(lab, ['restore', '--abandon'])
    await json(lab, ['restore', '--at', point, '--yes', '--no-safety-point'])
    await json(lab, ['undo', '--yes'])
    assert.deepEqual(await readDatabase(lab, name), before)
    await dropAll(lab)
  })
}

/** The line that is printed to look around with is run in a shell as it stands. */
async function assertScratch(lab: Lab, point: string): Promise<void> {
  const { scratch } = await json<{
    scratch: { restoreId: string; places: { server?: { command: string } }[] }
  }>(lab, ['restore', '--at', point, '--target', 'scratch'])
  const command = scratch.places[0]?.server?.command ?? 'false'
  const rows = execFileSync('sh', ['-c', `${command} -Atc 'select count(*) from public.odd'`], { encoding: 'utf8' })
  assert.equal(rows.trim(), '127')
  await json(lab, ['scratch', 'remove', scratch.restoreId])
}

test('a hostile name is found in a dump of a whole server', { timeout: 300_000 }, async () => {
  const lab = await named(HOSTILE)
  const path = join(lab.folder, 'all.sql')
  await writeFile(path, await dumpWith(lab.postgres, 'pg_dumpall', ['--database', 'postgres']))
  const { report } = await json<{ report: { origin: { database: string } } }>(lab, [
    'import',
    'sql',
    path,
    '--database',
    HOSTILE,
  ])
  assert.equal(report.origin.database, HOSTILE)
  await dropAll(lab)
})

test('hostile names of apps, components, points, repositories and keys are told as not there', async () => {
  const lab = await forkLab(base)
  const point = await backUp(lab)
  const commands = (name: string): readonly (readonly string[])[] => [
    ...['check', 'backup', 'points', 'drill', 'restore', 'undo', 'prune'].map((command) => [command, name]),
    ...['show', 'verify', 'hold', 'release', 'undelete'].map((command) => [command, name]),
    ['grants', 'backup', name],
    ['verify', point, '--app', name],
    ['verify', point, '--repository', name],
    ['drill', '--repository', name],
    ['restore', '--at', name, '--yes'],
    ['restore', '--at', point, '--component', name, '--yes'],
    ['undo', '--restore', name, '--yes'],
    ['scratch', 'remove', name],
    ['key', 'remove', name],
    ['key', 'change-password', name],
    ['key', 'export', name, '--to', join(lab.folder, 'out')],
    ['export', name, '--output', join(lab.folder, 'out')],
    ['import', 'sql', join(lab.folder, name.replaceAll('/', '_'))],
  ]
  await changesNothing(lab, async () => {
    for (const name of [HOSTILE, bytes(1, 63), bytes(64, 127), '../../etc', '__proto__', 'constructor'])
      for (const args of commands(name)) {
        const ran = await withClock(lab, 0, ...args, '--json')
        assert.ok(
          [2, 10, 13].includes(ran.code),
          `${JSON.stringify(args)} ended with ${ran.code}: ${ran.out}${ran.error}`,
        )
        assert.ok('error' in JSON.parse(ran.out), ran.out)
      }
  })
})
