import assert from 'node:assert/strict'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import { startOpenbao } from '../parts/openbao.ts'
import { startLab, type ConfigFile } from './lab.ts'
import { childrenOf, leaksIn, nameOf, seenIn, seenOf, watchChildren, type Canaries, type Seen } from './leaks.ts'
import { startBucket } from './s3-lab.ts'
import { artifactOf, flipBit } from './tamper.ts'

/** One app with every secret there is, each a canary: none may be seen where its owner did not put it. */
const { server, bucket } = await startBucket()
const bao = await startOpenbao()
const lab = await startLab()
const host = join(lab.folder, 'host')
// Where tests run as root, the throw-away server has a user of its own, who must be able to get to its folder.
const temporary = await mkdtemp(join(tmpdir(), 'holdfast-leak-'))
after(() => rm(temporary, { recursive: true, force: true }))
await chmod(temporary, 0o711)

const canaries: Record<string, string> & Canaries = {
  'database password': 'canary-database-password-Zq1',
  'password of a role': 'canary-role-password-Zq2',
  'row of a table': 'canary-row-of-a-table-Zq3',
  'file of the app': 'canary-file-of-the-app-Zq4',
  'host secret': 'canary-host-secret-Zq5',
  'environment file': 'canary-environment-file-Zq6',
  'password of the private key': 'canary private key password Zq7',
  'KV value': 'canary-kv-value-Zq8',
  'S3 secret key': server.secretKey,
  'OpenBao token': bao.server.rootToken.reveal(),
}
const environment = {
  DATABASE_PASSWORD: canaries['database password'] ?? '',
  HOLDFAST_PASSWORD: canaries['password of the private key'] ?? '',
  S3_SECRET_KEY: server.secretKey,
  BAO_TOKEN: bao.server.rootToken.reveal(),
  TMPDIR: temporary,
  // Where the program of throw-away servers is.
  PATH: process.env['PATH'] ?? '',
}
const seen: Seen[] = []
const programs = new Set<string>()

await mkdir(host, { mode: 0o700 })
await writeFile(join(host, 'masterkey'), canaries['host secret'] ?? '', { mode: 0o600 })
await writeFile(join(host, '.env'), `APP_KEY="${canaries['environment file']}"\n`, { mode: 0o600 })
await writeFile(join(lab.files, 'master.key'), canaries['file of the app'] ?? '', { mode: 0o600 })
await lab.sql(`create role portal_admin superuser login password '${canaries['database password']}';
  create role portal_worker login password '${canaries['password of a role']}';
  insert into job_history (what) values ('${canaries['row of a table']}')`)
await bao.must('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
await bao.must('POST', 'secret/data/portal/key', { data: { key: canaries['KV value'] } })
await lab.configure({
  database: { user: 'portal_admin' },
  repositories: {
    near: { url: `file://${lab.repository}`, recipients: [] },
    far: {
      url: `s3://${bucket.name}/portal`,
      endpoint: server.endpoint,
      region: server.region,
      accessKey: server.accessKey,
      secretKey: 'env:S3_SECRET_KEY',
      recipients: [],
    },
  },
})
await lab.edit((config) => {
  const components = config.apps['portal']?.components ?? {}
  components['bao'] = {
    kind: 'openbao',
    address: bao.server.address,
    token: 'env:BAO_TOKEN',
    serverProgram: bao.program,
    snapshot: 'off',
    retrySeconds: 1,
  }
  const secrets = { masterkey: { file: join(host, 'masterkey') }, env: { file: join(host, '.env') } }
  components['host'] = { kind: 'secrets', secrets }
})

/** Runs a command, and remembers all that others could see of it. */
async function run(code: number | undefined, args: readonly string[], over: Record<string, string> = {}) {
  const command = `holdfast ${args.join(' ')}`
  const { ran, seen: children } = await watchChildren(lab.startWith({ ...environment, ...over }, ...args))
  if (code !== undefined) assert.equal(ran.code, code, `${command}: ${ran.out}\n${ran.error}`)
  seen.push(
    ...seenOf(command, ran),
    ...children.map(({ where, bytes }) => ({ where: `${where} of ${command}`, bytes })),
  )
  for (const { where } of children) programs.add(where)
  return ran
}

async function assertNoLeak(more: readonly Seen[] = []): Promise<void> {
  const everywhere = [...seen, ...more, ...(await seenIn(join(lab.folder, 'state'))), ...(await seenIn(temporary))]
  const clear = [...(await seenIn(lab.repository)), ...(await objects())]
  assert.deepEqual(leaksIn([...everywhere, ...clear], canaries), [])
}

async function objects(): Promise<readonly Seen[]> {
  const { Contents = [] } = await bucket.client.send(new ListObjectsV2Command({ Bucket: bucket.name }))
  return await Promise.all(
    Contents.map(async ({ Key = '' }) => {
      const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key }))
      return { where: `object ${Key}`, bytes: Buffer.from((await Body?.transformToByteArray()) ?? []) }
    }),
  )
}

const identity = join(lab.folder, 'etc', 'identity.txt')
await run(0, ['init', '--identity-file', identity])
await run(0, ['backup', 'portal'])
const [identityKey = ''] = /AGE-SECRET-KEY-\S+/.exec(await readFile(identity, 'utf8')) ?? []
const pem = (await readFile(join(lab.folder, 'etc', 'signing.key'), 'utf8')).split('\n')[1] ?? ''
Object.assign(canaries, { 'private key': identityKey, 'signing key': pem })
assert.ok(Object.values(canaries).every((value) => value.length >= 16))

/** A configuration that differs in what the test is about. */
async function configured(name: string, change: (config: ConfigFile) => void): Promise<string> {
  // The file was written by the lab and holdfast init.
  const config = parse(await readFile(join(lab.folder, 'holdfast.yaml'), 'utf8')) as ConfigFile
  change(config)
  const path = join(lab.folder, name)
  await writeFile(path, stringify(config), { mode: 0o600 })
  return path
}

/** The search itself: a canary in a message, in an argument and in a file is found, in whatever form. */
test('a canary that is planted is found', async () => {
  const canary = canaries['host secret'] ?? ''
  const planted = await configured('planted.yaml', ({ apps }) => {
    Object.assign(apps['portal']?.components['database'] ?? {}, { host: canary })
  })
  const { ran, seen: children } = await watchChildren(
    lab.startWith(environment, '--config', planted, 'check', '--json'),
  )
  assert.deepEqual(leaksIn(seenOf('check', ran), canaries), ['host secret in standard output of check'])
  assert.deepEqual(leaksIn(children, canaries), [])
  for (const form of [
    `a message with ${encodeURIComponent(`x ${canary}`)}`,
    `\0${canary}\0`,
    Buffer.from(canary).toString('hex'),
    ...['', 'a', 'ab'].map((before) => Buffer.from(`${before}${canary} and more`).toString('base64')),
  ])
    assert.equal(leaksIn([{ where: 'there', bytes: Buffer.from(form) }], canaries).length, 1, form)
  const { seen: arguments_ } = await watchChildren(lab.startWith(environment, 'show', canary))
  assert.deepEqual(new Set(leaksIn(arguments_, canaries)), new Set(['host secret in arguments of holdfast']))
})

test('no secret is seen while the whole job is done', { timeout: 1_800_000 }, async () => {
  for (const args of [
    ['check', '--json'],
    ['show', 'latest'],
    ['show', 'latest', '--json'],
    ['verify', 'latest', '--json'],
    ['drill', 'portal', '--json'],
    ['restore', 'portal', '--yes', '--no-safety-point', '--json'],
    ['undo', 'portal', '--yes'],
    ['key', 'list', '--json'],
  ])
    await run(0, args)
  await assertNoLeak()
  for (const program of ['pg_dump', 'pg_restore', 'postgres'])
    assert.ok(
      [...programs].some((where) => where.startsWith(`environment of ${program}`)),
      `${program} was not seen: ${[...programs].join(', ')}`,
    )
})

test('show prints fingerprints, and nothing of values', async () => {
  const { out } = await run(0, ['show', 'latest'])
  assert.match(out, /masterkey.*[0-9a-f]{16}/)
  assert.deepEqual(leaksIn([{ where: 'show', bytes: Buffer.from(out) }], canaries), [])
})

test('no secret is seen while points are removed', { timeout: 1_800_000 }, async () => {
  // The first point was drilled and stays, the newest stays, so that the one between them goes.
  for (let made = 0; made < 2; made += 1) await run(0, ['backup', 'portal'])
  const rare = await configured('rare.yaml', ({ apps }) => {
    Object.assign(apps['portal'] ?? {}, { retention: { last: 1, minimum: 1 } })
  })
  const { out } = await run(0, ['--config', rare, 'prune', '--dry-run', '--json'])
  // The documented shape of `prune --dry-run --json`.
  const { plans } = JSON.parse(out) as { plans: { plan: { hash: string; removals: string[] } }[] }
  const { hash = '', removals = [] } = plans[0]?.plan ?? {}
  assert.equal(removals.length, 1, out)
  await run(undefined, ['--config', rare, 'prune', '--accept', `prune-${hash}`])
  const { out: listed } = await run(0, ['points', 'portal', '--json'])
  // The documented shape of `points --json`.
  const { removed } = JSON.parse(listed) as { removed: { repository: string; point: string }[] }
  assert.deepEqual(
    removed.map(({ repository, point }) => [repository, point]),
    [['near', removals[0]]],
  )
  await assertNoLeak()
})

test('no secret is in what a run that fails says', { timeout: 1_800_000 }, async () => {
  const wrong = {
    DATABASE_PASSWORD: 'canary-wrong-database-password-Zr1',
    S3_SECRET_KEY: 'canary-wrong-s3-secret-key-Zr2',
    BAO_TOKEN: 'canary-wrong-openbao-token-Zr3',
    HOLDFAST_PASSWORD: 'canary wrong private key password Zr4',
  }
  Object.assign(canaries, wrong)
  const locked = await configured('locked.yaml', (config) => delete config.identity)
  const unreachable = await configured('unreachable.yaml', ({ apps }) => {
    const { database = {}, bao: openbao = {} } = apps['portal']?.components ?? {}
    Object.assign(database, { host: '127.0.0.1', port: 1, tls: 'disable' })
    Object.assign(openbao, { address: 'http://127.0.0.1:1' })
  })
  const failing: readonly (readonly [readonly string[], Record<string, string>])[] = [
    [['backup', 'portal', '--json'], { ...wrong, HOLDFAST_PASSWORD: environment.HOLDFAST_PASSWORD }],
    [['--config', locked, 'verify', 'latest'], wrong],
    [['--config', unreachable, 'backup', 'portal'], {}],
  ]
  for (const [args, over] of failing) assert.notEqual((await run(undefined, args, over)).code, 0, args.join(' '))
  await assertNoLeak()
})

test('no secret is left by a run that is killed or breaks', { timeout: 1_800_000 }, async () => {
  const killed = lab.startWith(environment, 'backup', 'portal')
  const isOver = killed.ended.then(() => true)
  while (!childrenOf(killed.pid).some((pid) => nameOf(pid) === 'pg_dump'))
    assert.notEqual(await Promise.race([isOver, sleep(1)]), true, 'the backup was over before it was killed')
  killed.kill('SIGKILL')
  seen.push(...seenOf('a killed backup', await killed.ended))
  const broken = join(lab.folder, 'break.mjs')
  await writeFile(broken, `setTimeout(() => { throw new Error('planted') }, 1500)`)
  const ran = await run(undefined, ['verify', 'latest'], { NODE_OPTIONS: `--import=${broken}` })
  assert.match(ran.error, /planted/)
  await assertNoLeak()
})

/** It, or a folder between it and that of temporary files, is for its owner alone. */
async function isPrivate(path: string): Promise<boolean> {
  if (path === temporary) return false
  return ((await stat(path)).mode & 0o077) === 0 || (await isPrivate(dirname(path)))
}

/** What may be read in the folder of a drill: the restored data of the app. Never what opens the repository or the live app. */
const RESTORED = [
  'password of a role',
  'row of a table',
  'file of the app',
  'host secret',
  'environment file',
  'KV value',
]

test(
  'a drill that is killed leaves the data in a private folder alone, and prune removes it',
  {
    timeout: 1_800_000,
  },
  async () => {
    const killed = lab.startWith(environment, 'drill', 'portal')
    const watched = watchChildren(killed)
    const isOver = watched.then(() => true)
    const row = { row: canaries['row of a table'] ?? '' }
    const isLoaded = async (): Promise<boolean> => leaksIn(await seenIn(temporary), row).length > 0
    while (!(await isLoaded()))
      assert.notEqual(await Promise.race([isOver, sleep(20)]), true, 'the drill was over before it was killed')
    killed.kill('SIGKILL')
    const { ran, seen: children } = await watched
    seen.push(...seenOf('a killed drill', ran), ...children)
    const left = (await seenIn(temporary)).filter((one) => leaksIn([one], canaries).length > 0)
    assert.notDeepEqual(left, [])
    for (const { where } of left) assert.ok(await isPrivate(where), `others can read ${where}`)
    const kept = Object.fromEntries(Object.entries(canaries).filter(([name]) => !RESTORED.includes(name)))
    assert.deepEqual(leaksIn(await seenIn(temporary), kept), [])
    assert.deepEqual(leaksIn([...seen, ...(await seenIn(join(lab.folder, 'state')))], canaries), [])
    const { out } = await run(undefined, ['prune', 'portal', '--json'])
    assert.match(out, /what drill [0-9a-f]{8} left in/)
    assert.deepEqual(await readdir(temporary), [])
    await assertNoLeak()
  },
)

test('no secret is in what is said of a damaged point', { timeout: 1_800_000 }, async () => {
  const { out } = await run(0, ['points', 'portal', '--json'])
  // The documented shape of `points --json`.
  const { points } = JSON.parse(out) as { points: { point: string }[] }
  await flipBit(lab, artifactOf(points[0]?.point ?? '', 1))
  assert.notEqual((await run(undefined, ['verify', points[0]?.point ?? ''])).code, 0)
  await assertNoLeak()
})
