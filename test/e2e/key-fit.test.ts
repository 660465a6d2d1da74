import assert from 'node:assert/strict'
import { createCipheriv, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyFitResult } from '../../src/key-fit/verdict.ts'
import { startReadyLab } from './lab.ts'
import { childrenOf, hasArgument } from './leaks.ts'

/** A ZITADEL-shaped app whose masterkey is a file of the host, as its operator lives it. */
const MASTERKEY = 'MasterkeyNeedsToHave32Characters'
const STAGING = 'StagingKeyNeedsToHave32Character'

const lab = await startReadyLab()
const secrets = join(lab.folder, 'secrets')
const masterkeyFile = join(secrets, 'masterkey')
await mkdir(secrets, { mode: 0o700 })
await setMasterkey(MASTERKEY)
await lab.edit((config) => {
  const app = config.apps['portal'] as Record<string, unknown> & { components: Record<string, unknown> }
  delete app.components['files']
  app.components['keys'] = { kind: 'secrets', secrets: { masterkey: { file: masterkeyFile } } }
  app['keyFit'] = [
    { kind: 'recipe', recipe: 'zitadel', keys: { masterkey: { component: 'keys', secret: 'masterkey' } } },
  ]
})
await lab.sql(`create schema system; create schema eventstore; create schema projections;
  create table system.encryption_keys (id text primary key, key text not null);
  create table eventstore.events2 (aggregate_id text primary key, event_type text, payload jsonb);
  create table projections.web_keys1 (key_id text primary key, private_key jsonb, public_key jsonb)`)
await fillUnder(MASTERKEY)

function setMasterkey(text: string): Promise<void> {
  return writeFile(masterkeyFile, text, { mode: 0o600 })
}

function cfb(key: Buffer, plain: Buffer): Buffer {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cfb', key, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}

/** Rows as ZITADEL writes them: a data key under the masterkey, and a web key under the data key. */
async function fillUnder(masterkey: string, id = 'oidcKey'): Promise<void> {
  const dataKey = randomBytes(32)
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const sealed = cfb(dataKey, Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' })))).toString('base64')
  const wrapped = cfb(Buffer.from(masterkey), dataKey).toString('base64url')
  const padded = wrapped.padEnd(Math.ceil(wrapped.length / 4) * 4, '=')
  const hidden = JSON.stringify({ CryptoType: 0, Algorithm: 'aes', KeyID: id, Crypted: sealed })
  const open = JSON.stringify(publicKey.export({ format: 'jwk' }))
  await lab.sql(`delete from system.encryption_keys where id = '${id}'; delete from eventstore.events2 where aggregate_id = '${id}';
    insert into system.encryption_keys values ('${id}', '${padded}');
    insert into eventstore.events2 values ('${id}', 'web_key.added', jsonb_build_object('privateKey', '${hidden}'::jsonb, 'publicKey', '${open}'::jsonb))`)
}

interface Reported {
  readonly report: {
    readonly point: string
    readonly outcome: string
    readonly ok: boolean
    readonly keyFit: readonly KeyFitResult[]
    readonly findings: readonly { readonly subject: string; readonly message: string }[]
  }
}

/** A point whose key does not open its data is found again by a drill, and is not restored, whichever way it is asked for. */
async function assertNotRestored({ report }: Reported, verdict: string, message: RegExp): Promise<void> {
  const drilled = await lab.json<Reported>(['drill', 'portal', '--at', report.point], 30)
  assert.deepEqual([drilled.report.ok, verdictsOf(drilled)], [false, [verdict]])
  await lab.sql("update job_history set what = 'live'")
  const live = await lab.sql('select oid from pg_database where datname = current_database()')
  const key = await readFile(masterkeyFile)
  const restore = ['restore', 'portal', '--at', report.point, '--yes', '--no-safety-point']
  const beside = await lab.json<Stopped>(restore, 13)
  // In place nothing was begun, so that there is no report.
  const inPlace = await lab.json<{ error: Stopped['report']['failure'] }>([...restore, '--target', 'in-place'], 13)
  for (const failure of [inPlace.error, beside.report.failure]) {
    assert.match(failure.message, message)
    assert.match(failure.hint, /--accept key-misfit-zitadel/)
  }
  // In place the rows would have been written over, in the same database.
  assert.deepEqual(await lab.sql('select oid from pg_database where datname = current_database()'), live)
  assert.deepEqual(await lab.sql('select what from job_history'), [{ what: 'live' }])
  assert.deepEqual(await readFile(masterkeyFile), key)
}

const backUp = (code = 0): Promise<Reported> => lab.json<Reported>(['backup', 'portal'], code)
const verdictsOf = ({ report }: Reported): readonly string[] => report.keyFit.map(({ verdict }) => verdict)

test('the key of the same moment fits: at backup, in the drill, and before the swap', async () => {
  const made = await backUp()
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['done', ['fits']], JSON.stringify(made.report))
  assert.deepEqual(verdictsOf(await lab.json<Reported>(['drill', 'portal'])), ['fits'])
  const restored = await lab.json<Reported>(['restore', 'portal', '--yes', '--no-safety-point'])
  assert.deepEqual([restored.report.outcome, verdictsOf(restored)], ['done', ['fits']])
  assert.equal(await readFile(masterkeyFile, 'utf8'), MASTERKEY)
})

test('a key that was rotated between the dump and its capture is found in the backup', async () => {
  await setMasterkey('Rotated-Needs-To-Have-32-Charact')
  const made = await backUp(3)
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['incomplete', ['does-not-fit']])
  assert.match(said(made), /web keys of events match their public halves.*1 do not fit/)
  const { points } = await lab.json<{ points: { point: string; complete: boolean }[] }>(['points', 'portal'])
  assert.equal(points.find(({ point }) => point === made.report.point)?.complete, false)
  const { missing } = await lab.json<{ missing: { name: string; reason: string }[] }>(['show', made.report.point])
  assert.deepEqual(
    missing.map(({ name, reason }) => [name, reason]),
    [['keys', 'key fit zitadel: the keys are does-not-fit']],
  )
})

test('a key and its data that are rotated together after the dump and before the capture are told from the dumped rows', async () => {
  await setMasterkey(MASTERKEY)
  await lab.sql("update job_history set what = 'captured'")
  const running = lab.start('backup', 'portal', '--json')
  const isOver = running.ended.then(() => true)
  while (!childrenOf(running.pid).some((pid) => hasArgument(pid, '--snapshot')))
    assert.notEqual(await Promise.race([isOver, sleep(1)]), true, 'the backup was over before the rotation')
  running.interrupt('SIGSTOP')
  const rotated = 'Rotated-Together-With-All-Data-1'
  await fillUnder(rotated)
  await setMasterkey(rotated)
  running.interrupt('SIGCONT')
  const ran = await running.ended
  assert.equal(ran.code, 3, ran.error)
  // The documented shape of a backup.
  const made = JSON.parse(ran.out) as Reported
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['incomplete', ['does-not-fit']])
  await assertNotRestored(made, 'does-not-fit', /key masterkey .* does not open the restored data/)
  assert.deepEqual(verdictsOf(await backUp()), ['fits'])
  await fillUnder(MASTERKEY)
  await setMasterkey(MASTERKEY)
})

test('the staging key in the production point stops the restore before the fence, and the live key is recognised', async () => {
  await setMasterkey(STAGING)
  const made = await backUp(3)
  const { report } = made
  await setMasterkey(MASTERKEY)
  await assertNotRestored(made, 'does-not-fit', /key masterkey .* does not open the restored data/)
  const before = await lab.sql('select oid from pg_database where datname = current_database()')
  const ran = await lab.json<Stopped>(['restore', 'portal', '--at', report.point, '--yes', '--no-safety-point'], 13)
  assert.equal(ran.report.outcome, 'stopped')
  const { message, hint } = ran.report.failure
  const [captured, live] = [fingerprintIn(message, 'captured'), fingerprintIn(message, 'live')]
  assert.notEqual(captured, live)
  assert.match(message, /key masterkey .* does not open the restored data/)
  assert.match(hint, /live key fits.*--accept key-misfit-zitadel/)
  assert.equal(ran.report.downtimeMilliseconds, 0)
  assert.equal(await readFile(masterkeyFile, 'utf8'), MASTERKEY)
  assert.deepEqual(await lab.sql('select oid from pg_database where datname = current_database()'), before)
  assert.deepEqual(
    (await readdir(secrets)).filter((name) => !name.includes('-same-')),
    ['masterkey'],
  )
  const shown = JSON.stringify(await lab.json(['show', report.point]))
  assert.ok(shown.includes(captured), 'the fingerprint is the one that show prints')
  for (const value of [STAGING, MASTERKEY]) assert.ok(!shown.includes(value) && !message.includes(value))
})

test('the database alone is proven with the live key, and a misfit can be accepted by its name', async () => {
  const { points } = await lab.json<{ points: { point: string; complete: boolean }[] }>(['points', 'portal'])
  const point = points.at(-1)?.point ?? ''
  const alone = ['restore', 'portal', '--at', point, '--yes', '--no-safety-point', '--component', 'database']
  assert.deepEqual(verdictsOf(await lab.json<Reported>(alone)), ['fits'])
  const whole = ['restore', 'portal', '--at', point, '--yes', '--no-safety-point', '--accept', 'key-misfit-zitadel']
  assert.deepEqual(verdictsOf(await lab.json<Reported>(whole)), ['does-not-fit'])
  assert.equal(await readFile(masterkeyFile, 'utf8'), STAGING)
  await lab.json(['undo', 'portal', '--yes'])
  assert.equal(await readFile(masterkeyFile, 'utf8'), MASTERKEY)
})

test('a trailing line break is kept, pointed at, and named as the reason', async () => {
  await setMasterkey(`${MASTERKEY}\n`)
  const made = await backUp(3)
  assert.deepEqual(verdictsOf(made), ['does-not-fit'])
  assert.match(said(made), /has 33 bytes instead of 32/)
  assert.match(said(made), /key masterkey ends with a line break, and fits without it/)
  const found = made.report.findings.find(({ subject }) => subject === 'secret masterkey')
  assert.match(found?.message ?? '', /ends with a line break/)
  await assertNotRestored(made, 'does-not-fit', /key masterkey .* ends with a line break, and fits without it/)
  await setMasterkey('something else')
  const kept = [
    'restore',
    'portal',
    '--at',
    made.report.point,
    '--yes',
    '--no-safety-point',
    '--accept',
    'key-misfit-zitadel',
  ]
  await lab.json(kept)
  assert.equal(await readFile(masterkeyFile, 'utf8'), `${MASTERKEY}\n`)
  await setMasterkey(MASTERKEY)
})

test('half of the rows under another key is mixed, and says which', async () => {
  await fillUnder(STAGING, 'samlKey')
  const made = await backUp(3)
  assert.deepEqual(verdictsOf(made), ['mixed'])
  assert.match(said(made), /oidcKey: 1 fit/)
  assert.match(said(made), /samlKey: 1 do not fit/)
  await assertNotRestored(made, 'mixed', /key masterkey .* opens only a part of the restored data/)
  await lab.sql(
    "delete from system.encryption_keys where id = 'samlKey'; delete from eventstore.events2 where aggregate_id = 'samlKey'",
  )
})

test('without a web key nothing is proven, and the point is as good as it was', async () => {
  await lab.sql('delete from eventstore.events2')
  const made = await backUp()
  assert.deepEqual([made.report.outcome, verdictsOf(made)], ['done', ['not-provable']])
  assert.match(said(made), /dataKeys: unwrapped, and nothing proves oidcKey/)
})

test('a point that lacks the key is incomplete, and restores only onto a host that has it', async () => {
  await rm(masterkeyFile)
  const made = await backUp(3)
  assert.equal(made.report.outcome, 'incomplete')
  const restore = ['restore', 'portal', '--at', made.report.point, '--yes', '--no-safety-point']
  const stopped = await lab.json<Stopped>(restore, 13)
  assert.match(stopped.report.failure.message, /key masterkey of app portal is neither restored nor live/)
  await setMasterkey(MASTERKEY)
  assert.equal((await lab.json<Reported>(restore)).report.outcome, 'done')
})

interface Stopped {
  readonly report: {
    readonly outcome: string
    readonly downtimeMilliseconds: number
    readonly failure: { readonly message: string; readonly hint: string }
  }
}

function said({ report }: Reported): string {
  return report.keyFit.flatMap(({ evidence }) => evidence).join('\n')
}

function fingerprintIn(message: string, which: string): string {
  return new RegExp(`${which} ([0-9a-f]{16})`).exec(message)?.[1] ?? 'none'
}
