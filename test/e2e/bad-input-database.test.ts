import assert from 'node:assert/strict'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { testContext } from '../parts/postgres.ts'
import { backUp, changesNothing, expectFailure, listed } from './expect.ts'
import { forkLab, startReadyLab, type Lab } from './lab.ts'
import { readDatabase, readLive } from './live.ts'
import { addBigTable, copying, dataOf } from './watch.ts'

/** Databases that cannot be read, have difficult names, are in use, or vanish. */
const base = await startReadyLab()

/** A lab with nothing but the database, so that its failure is the failure of the whole backup. */
async function databaseOnly(change: Readonly<Record<string, unknown>>, lab: Lab = base): Promise<Lab> {
  const fork = await forkLab(lab)
  await fork.edit(({ apps }) => {
    const { components } = apps['portal']!
    components['database'] = { ...components['database'], ...change }
    delete components['files']
  })
  return fork
}

test('a database that is not there is not found, and nothing is listed or left', async () => {
  const lab = await databaseOnly({ database: 'protal' })
  await changesNothing(lab, async () => {
    await expectFailure(lab, ['backup'], { code: 10, kind: 'notFound', message: /database "?protal"?/, hint: /./ })
    assert.deepEqual(await dataOf(lab), [])
  })
  const { ok, apps } = await lab.json<{ ok: boolean; apps: { findings: { level: string; message: string }[] }[] }>(
    ['check'],
    13,
  )
  assert.equal(ok, false)
  assert.match(apps[0]?.findings.map(({ message }) => message).join() ?? '', /protal/)
})

test('a missing database makes the point incomplete, and latest never means an incomplete one', async () => {
  const lab = await forkLab(base)
  const good = await backUp(lab)
  await lab.edit(({ apps }) => (apps['portal']!.components['database']!['database'] = 'protal'))
  const { report } = await lab.json<{
    report: {
      point: string
      outcome: string
      components: { name: string; outcome: string; failure?: { kind: string; message: string } }[]
    }
  }>(['backup'], 3)
  assert.equal(report.outcome, 'incomplete')
  assert.deepEqual(
    report.components.map(({ name, outcome }) => [name, outcome]),
    [
      ['database', 'failed'],
      ['files', 'captured'],
    ],
  )
  assert.equal(report.components[0]?.failure?.kind, 'notFound')
  assert.deepEqual(
    (await listed(lab)).points.map(({ point, complete }) => [point, complete]),
    [
      [good, true],
      [report.point, false],
    ],
  )
  const shown = await lab.json<{ missing: { name: string; reason: string }[] }>(['show', report.point])
  assert.match(shown.missing[0]?.reason ?? '', /protal/)
  assert.equal((await lab.json<{ summary: { point: string } }>(['show', 'latest'])).summary.point, good)
})

test('a name that looks like a connection string is only a name', async () => {
  for (const database of [
    'host=evil.example dbname=portal',
    'postgresql://evil.example/portal',
    "portal' host='evil.example",
    '-h evil.example',
  ]) {
    const lab = await databaseOnly({ database })
    await changesNothing(lab, async () => {
      const error = await expectFailure(lab, ['backup'], { code: 10, kind: 'notFound', message: /database/, hint: /./ })
      assert.ok(error.message.includes(database), error.message)
    })
  }
})

const SOAK = process.env['HOLDFAST_SOAK'] === '1'
/** Every byte that a name may have, 1 to 127: in three names since one has at most 63 bytes. */
const bytes = (from: number, to: number): string =>
  String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, index) => from + index))
const names = [
  'host=evil.example dbname=x',
  `it's "quoted" \\ and $1 %s %d {}`,
  'zwei\nZeilen\tund\rmehr',
  'datenbank-ü-база-数据-🔑',
  bytes(1, 63),
  bytes(64, 126),
  bytes(127, 127),
]

/** `bad-input-names` takes odd ASCII through every command; elsewhere than in `npm run soak` this has what is left. */
for (const name of SOAK ? names : ['datenbank-ü-база-数据-🔑']) {
  test(`the database ${JSON.stringify(name)} is backed up, drilled, restored and undone`, async () => {
    const lab = await databaseOnly({
      database: name,
      checks: [{ name: 'rows', sql: 'select count(*)::int from public.odd', expect: 127 }],
    })
    await lab.postgres.createDatabase(name)
    await lab.postgres.sql(
      name,
      `create table public.odd as select n, chr(n) || E'\\r\\n\\t\\\\.\\\\N' as text, decode(lpad(to_hex(n), 2, '0'), 'hex') as bytes from generate_series(1, 127) n`,
    )
    const before = await readDatabase(lab, name)
    const point = await backUp(lab)
    assert.equal((await lab.json<{ report: { ok: boolean } }>(['drill', '--staged'])).report.ok, true)
    await lab.postgres.sql(name, 'delete from public.odd')
    await lab.json(['restore', '--at', point, '--yes', '--no-safety-point'])
    assert.deepEqual(await readDatabase(lab, name), before)
    await lab.json(['undo', '--yes'])
    assert.equal((await lab.postgres.sql(name, 'select count(*)::int as rows from public.odd'))[0]?.['rows'], 0)
    assert.deepEqual(
      (await readLive(lab)).otherDatabases.filter((other) => !names.includes(other)).length,
      1,
      'only what the undo set aside is left',
    )
    await lab.postgres.dropDatabase(name)
    for (const other of (await readLive(lab)).otherDatabases) await lab.postgres.dropDatabase(other)
  })
}

test('a password that is not found is not taken for a database that is not there', async () => {
  const lab = await databaseOnly({})
  const point = await backUp(lab)
  await lab.edit(({ apps }) => (apps['portal']!.components['database']!['password'] = 'env:NO_SUCH_VARIABLE'))
  await lab.edit(({ apps }) => (apps['portal']!.components['database']!['restorePassword'] = 'env:DATABASE_PASSWORD'))
  await changesNothing(lab, () =>
    expectFailure(lab, ['restore', '--at', point, '--yes'], {
      code: 10,
      kind: 'notFound',
      message: /no safety point before the restore: .*NO_SUCH_VARIABLE/,
      hint: /--no-safety-point/,
    }),
  )
})

test('a database that is gone is restored without a safety point', async () => {
  const lab = await databaseOnly({ database: 'gone' })
  await lab.postgres.createDatabase('gone')
  await lab.postgres.sql('gone', 'create table public.kept as select 1 as n')
  const point = await backUp(lab)
  await lab.postgres.dropDatabase('gone')
  const { report } = await lab.json<{ report: { outcome: string; safetyPoint: unknown } }>([
    'restore',
    '--at',
    point,
    '--yes',
  ])
  assert.deepEqual([report.outcome, report.safetyPoint], ['done', null])
  assert.equal((await lab.postgres.sql('gone', 'select n from public.kept'))[0]?.['n'], 1)
  await lab.postgres.dropDatabase('gone')
})

test('a password that is wrong, or whose variable is not set, is told as that', async () => {
  const lab = await databaseOnly({})
  await expectFailure(
    lab,
    ['backup'],
    { code: 12, kind: 'denied', message: /password/, hint: /./ },
    { DATABASE_PASSWORD: 'wrong' },
  )
  await lab.edit(({ apps }) => (apps['portal']!.components['database']!['password'] = 'env:NO_SUCH_VARIABLE'))
  await expectFailure(lab, ['backup'], {
    code: 10,
    kind: 'notFound',
    message: /environment variable NO_SUCH_VARIABLE is not set/,
    hint: /file:/,
  })
  assert.deepEqual((await listed(lab)).points, [])
})

test('a server that does not answer is unreachable', async () => {
  const lab = await databaseOnly({ host: '127.0.0.1', port: 9 })
  await expectFailure(lab, ['backup'], {
    code: 20,
    kind: 'unreachable',
    message: /127\.0\.0\.1:9|127\.0\.0\.1/,
    hint: /./,
  })
  assert.deepEqual(await dataOf(lab), [])
})

test('client tools older than the server are refused before anything is read', async () => {
  const lab = await databaseOnly({ toolsFolder: join(base.folder, 'old-tools') })
  await mkdir(join(base.folder, 'old-tools'))
  for (const program of ['pg_dump', 'pg_restore']) {
    const file = join(base.folder, 'old-tools', program)
    await writeFile(file, `#!/bin/sh\necho "${program} (PostgreSQL) 9.6.24"\n`)
    await chmod(file, 0o755)
  }
  await changesNothing(lab, async () => {
    await expectFailure(lab, ['backup'], {
      code: 31,
      kind: 'unsupported',
      message: /older than the server's major.*9\.6/,
      hint: /postgresql-client-|toolsFolder/,
    })
    assert.deepEqual(await dataOf(lab), [])
  })
})

test('a session that ends in the middle of the dump fails the component by name', async () => {
  await addBigTable(base)
  const lab = await databaseOnly({})
  await changesNothing(lab, async () => {
    const backup = lab.start('backup', '--json')
    const pid = await copying(lab, 'portal')
    await lab.postgres.sql('postgres', 'select pg_terminate_backend($1)', [pid])
    const { code, out, error } = await backup.ended
    assert.ok(code === 20 || code === 21, `${code} ${out} ${error}`)
    assert.match(out, /component database: /)
    assert.deepEqual(await dataOf(lab), [])
  })
  assert.equal((await lab.json<{ report: { outcome: string } }>(['backup'])).report.outcome, 'done')
})

test('an in-place restore of a database in use is refused; once nobody uses it, it restores', async () => {
  const lab = await databaseOnly({})
  await lab.sql('drop table if exists big')
  const point = await backUp(lab)
  const original = await readLive(lab)
  await lab.sql("update users set email = 'x' || email; insert into job_history (what) values ('after')")
  const inPlace = ['restore', '--at', point, '--target', 'in-place', '--yes']
  await inUse(lab, () =>
    changesNothing(lab, () =>
      expectFailure(lab, inPlace, {
        code: 13,
        kind: 'refused',
        message: /database portal: serves 1 of/,
        hint: /Stop the application/,
      }),
    ),
  )
  const { report } = await lab.json<{ report: { outcome: string; safetyPoint: string } }>(inPlace)
  assert.equal(report.outcome, 'done')
  assert.deepEqual(await readLive(lab), original)
  assert.ok((await listed(lab)).points.some((one) => one.point === report.safetyPoint))
})

/** Holds a session with an open transaction that locks a table, as an application that still serves. */
async function inUse(lab: Lab, act: () => Promise<void>): Promise<void> {
  let acted: Promise<void> = Promise.resolve()
  const session = withSession(lab.postgres.server, 'portal', testContext(), async (client) => {
    await client.query('begin')
    await client.query('update public.users set state = state')
    acted = act()
    await acted.catch(() => undefined)
  })
  await session
  await acted
}

test('a postmaster that is killed in the middle of a backup leaves nothing, and the next backup is good', async () => {
  await addBigTable(base)
  const lab = await databaseOnly({})
  // A crash loses up to 32 numbers of a sequence that no checkpoint has seen.
  await lab.sql('checkpoint')
  const before = await readLive(lab)
  const backup = lab.start('backup', '--json')
  await copying(lab, 'portal')
  await base.postgres.process?.kill()
  const { code, out, error } = await backup.ended
  assert.ok(code === 20 || code === 21, `${code} ${out} ${error}`)
  assert.deepEqual((await listed(lab)).points, [])
  assert.deepEqual(await dataOf(lab), [])
  await base.postgres.process?.restart()
  assert.deepEqual(await readLive(lab), before)
  assert.equal((await lab.json<{ report: { outcome: string } }>(['backup'])).report.outcome, 'done')
})
