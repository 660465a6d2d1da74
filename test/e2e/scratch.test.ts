import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { backUp, changesNothing, expectFailure } from './expect.ts'
import { startReadyLab } from './lab.ts'

/** Copies of a point in throw-away places: left running to look around in, and what killed runs leave. */
const lab = await startReadyLab()
const point = await backUp(lab)
const temporary = join(lab.folder, 'tmp')
// The user who runs the server must get through.
await chmod(lab.folder, 0o711)
await mkdir(temporary)
await chmod(temporary, 0o711)
const HOUR = 3_600_000
const TMP = { TMPDIR: temporary }

interface Scratch {
  readonly restoreId: string
  readonly state: string
  readonly until: string | null
  readonly folder: string
  readonly places: readonly { component: string; folder: string; server?: { command: string; host: string } }[]
}

async function json<Document>(args: readonly string[], code = 0): Promise<Document> {
  const ran = await lab.runWith(TMP, ...args, '--json')
  assert.equal(ran.code, code, ran.out + ran.error)
  return JSON.parse(ran.out) as Document
}

async function scratches(): Promise<readonly Scratch[]> {
  return (await json<{ scratches: Scratch[] }>(['scratch', 'list'])).scratches
}

/** What the line that was printed answers, in a shell as an operator has it. */
function look({ places }: Scratch, sql: string): string {
  const command = places.find(({ component }) => component === 'database')?.server?.command ?? 'false'
  return execFileSync('sh', ['-c', `${command} -Atc "${sql}"`], { encoding: 'utf8', stdio: 'pipe' }).trim()
}

async function assertNothingLeft(): Promise<void> {
  assert.deepEqual(await scratches(), [])
  // A killed pg_restore leaves its password file.
  const left = (await readdir(temporary, { recursive: true })).filter(
    (name) => !/^holdfast-[\w-]+(\/pgpass)?$/.test(name),
  )
  assert.deepEqual(left, [])
  assert.deepEqual(
    (await readdir(join(lab.folder, 'state'))).filter((name) => name.startsWith('scratch-')),
    [],
  )
}

test('a restore to scratch runs on until it is removed, and touches nothing live', { timeout: 120_000 }, async () => {
  await lab.sql(`update job_history set what = 'live'`)
  await changesNothing(lab, async () => {
    const { report, scratch } = await json<{ report: { outcome: string; mode: string }; scratch: Scratch }>([
      'restore',
      '--target',
      'scratch',
      '--at',
      point,
    ])
    assert.deepEqual([report.outcome, report.mode, scratch.state], ['done', 'scratch', 'left'])
    assert.equal(look(scratch, 'select what from public.job_history'), 'first')
    const files = scratch.places.find(({ component }) => component === 'files')?.folder ?? ''
    assert.equal(await readFile(join(files, 'master.key'), 'utf8'), 'k'.repeat(32))
    assert.deepEqual(await scratches(), [scratch])
    const ran = await lab.runWith(TMP, 'scratch', 'list')
    assert.match(ran.out, /PGPASSFILE=\S+ psql -h/)
    // It is in nobody's way.
    assert.equal((await lab.run('restore', '--dry-run')).code, 0)
    await json(['scratch', 'remove', scratch.restoreId])
    assert.equal(existsSync(scratch.places[0]?.server?.host ?? scratch.folder), false)
    assert.throws(() => look(scratch, 'select 1'))
  })
  await assertNothingLeft()
})

test('a dry run leaves nothing, and neither does a restore that cannot be', { timeout: 120_000 }, async () => {
  const { plan } = await json<{ plan: { mode: string } }>(['restore', '--target', 'scratch', '--dry-run'])
  assert.equal(plan.mode, 'scratch')
  await json(['restore', '--target', 'scratch', '--component', 'nothing'], 10)
  await json(['restore', '--target', 'scratch', '--repository', 'nowhere'], 2)
  await assertNothingLeft()
  await expectFailure(lab, ['scratch', 'remove', '00000000'], {
    code: 10,
    kind: 'notFound',
    message: /no scratch restore 00000000/,
    hint: /scratch list/,
  })
})

test('checks run there, and what they find is left to be looked at', { timeout: 120_000 }, async () => {
  await lab.edit((config) => {
    config.apps['portal']!.components['database']!['checks'] = [{ name: 'red', sql: 'select 1', expect: 2 }]
  })
  const { report, scratch } = await json<{ report: { differences: { subject: string }[] }; scratch: Scratch }>(
    ['restore', '--target', 'scratch'],
    30,
  )
  assert.deepEqual(
    report.differences.map(({ subject }) => subject),
    ['database: check red'],
  )
  assert.equal(look(scratch, 'select count(*) from public.users'), '2000')
  await lab.edit((config) => delete config.apps['portal']!.components['database']!['checks'])
  await json(['scratch', 'remove', scratch.restoreId])
  await assertNothingLeft()
})

test('prune ends what was left for longer than 72 hours, and nothing younger', { timeout: 120_000 }, async () => {
  const { scratch } = await json<{ scratch: Scratch }>(['restore', '--target', 'scratch', '--component', 'database'])
  assert.ok(Math.abs(Date.parse(scratch.until ?? '') - Date.now() - 72 * HOUR) < HOUR, String(scratch.until))
  await ageRecord(scratch.restoreId, -1)
  await lab.runWith(TMP, 'prune')
  assert.equal(look(scratch, 'select 1'), '1')
  await ageRecord(scratch.restoreId, 1)
  const ran = await lab.runWith(TMP, 'prune', '--json')
  assert.match(ran.out, new RegExp(`what restore ${scratch.restoreId} left in`))
  await assertNothingLeft()
})

/** Lets the time of a scratch be over for so many hours. */
async function ageRecord(id: string, hours: number): Promise<void> {
  const file = join(lab.folder, 'state', `scratch-portal-${id}.json`)
  const record = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...record, until: new Date(Date.now() - hours * HOUR).toISOString() }))
}

/** Lets what lies beside be so many hours old. */
async function ageBeside(id: string, hours: number): Promise<void> {
  const at = new Date(Date.now() - hours * HOUR).toISOString()
  const marker = `holdfast restore ${id} ${JSON.stringify({ role: 'side', database: 'portal', at, loaded: true })}`
  await lab.postgres.sql('postgres', `comment on database portal__r_${id} is '${marker}'`)
}

/** Kills a run as soon as its database is made somewhere; what it leaves is found by whoever looks next. */
async function killed(...args: readonly string[]): Promise<Scratch> {
  const running = lab.startWith(TMP, ...args)
  const ended = running.ended.then((ran) => assert.fail(`it was over before it could be killed: ${ran.error}`))
  for (;;) {
    const [found] = await readdir(join(lab.folder, 'state')).then((names) =>
      names.filter((name) => name.startsWith('scratch-')),
    )
    if (found !== undefined && (await isBegun())) break
    await Promise.race([sleep(2), ended])
  }
  ended.catch(() => {})
  running.kill('SIGKILL')
  await running.ended
  const [scratch] = await scratches()
  assert.ok(scratch !== undefined)
  return scratch
}

async function isBegun(): Promise<boolean> {
  const inside = (await readdir(temporary, { recursive: true }).catch(() => [])).join('\n')
  return /postmaster\.pid/.test(inside) || (await sideDatabases()).length > 0
}

async function sideDatabases(): Promise<readonly string[]> {
  const rows = await lab.postgres.sql(
    'postgres',
    String.raw`select datname from pg_database where datname like '%\_\_r\_%'`,
  )
  return rows.map(({ datname }) => String(datname))
}

for (const args of [['restore', '--target', 'scratch'], ['drill'], ['drill', '--staged']]) {
  test(
    `what holdfast ${args.join(' ')} leaves when it is killed is removed by prune`,
    { timeout: 120_000 },
    async () => {
      const scratch = await killed(...args)
      assert.equal(scratch.state, 'cut off')
      // Beside the live database, a folder may not have been needed yet.
      if (args.includes('--staged')) assert.equal((await sideDatabases()).length, 1)
      else assert.notDeepEqual(await readdir(temporary), [])
      const ran = await lab.runWith(TMP, 'prune', '--json')
      assert.match(ran.out, new RegExp(`left in `), ran.out + ran.error)
      assert.deepEqual(await sideDatabases(), [])
      await assertNothingLeft()
    },
  )
}

test('a running drill is neither pruned nor removed', { timeout: 120_000 }, async () => {
  await lab.edit((config) => {
    config.apps['portal']!.components['database']!['checks'] = [
      { name: 'slow', sql: 'select pg_sleep(6) is not null', expect: true },
    ]
  })
  const running = lab.startWith(TMP, 'drill', '--staged', '--json')
  while ((await sideDatabases()).length === 0) await sleep(20)
  const [scratch] = await scratches()
  assert.equal(scratch?.state, 'in use')
  await lab.runWith(TMP, 'prune')
  await json(['scratch', 'remove', scratch.restoreId], 11)
  const ran = await running.ended
  assert.equal(ran.code, 0, ran.out + ran.error)
  await assertNothingLeft()
})

test('what lies beside and is of no restore here goes after 72 hours, what a restore here waits for stays', async () => {
  const { report } = await json<{ report: { restoreId: string } }>(['restore', '--target', 'stage'])
  await ageBeside(report.restoreId, 73)
  await lab.runWith(TMP, 'prune')
  assert.deepEqual(await sideDatabases(), [`portal__r_${report.restoreId}`], 'it is waited for')
  const journal = join(lab.folder, 'state', `restore-portal-${report.restoreId}.json`)
  await rm(journal)
  await ageBeside(report.restoreId, 71)
  await lab.runWith(TMP, 'prune')
  assert.equal((await sideDatabases()).length, 1, 'it may be of another machine')
  await ageBeside(report.restoreId, 73)
  const ran = await lab.runWith(TMP, 'prune', '--json')
  assert.match(ran.out, new RegExp(`side database portal__r_${report.restoreId}`))
  assert.deepEqual(await sideDatabases(), [])
})

test('an application of this machine connects with the URL that is shown once', { timeout: 120_000 }, async () => {
  interface Listening {
    readonly scratch: Scratch
    readonly urls: readonly { component: string; url: string }[]
  }
  const { scratch, urls } = await json<Listening>(['restore', '--target', 'scratch', '--listen', '--at', point])
  const url = new URL(urls[0]?.url ?? '')
  assert.deepEqual([urls.length, url.hostname], [1, '127.0.0.1'])
  const ask = (to: string): string =>
    execFileSync('psql', [to, '-Atc', 'select current_user, what from public.job_history'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
  assert.equal(ask(url.href), `${decodeURIComponent(url.username)}|first`)
  assert.throws(() => ask(url.href.replace(url.password, 'guessed')))
  assert.equal(look(scratch, 'show listen_addresses'), '127.0.0.1')
  // Shown once, and in no record.
  assert.ok(!JSON.stringify(await scratches()).includes(url.password))
  await json(['scratch', 'remove', scratch.restoreId])
  await assertNothingLeft()
  assert.equal((await lab.run('restore', '--listen', '--yes')).code, 2)
})
