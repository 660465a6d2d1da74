import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Driver } from '../../components/driver.ts'
import type { Finding } from '../../core/restore-point.ts'
import { secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { declared, keyFitSetting } from '../../profiles/use-recipe.ts'
import { fingerprintKeyOf } from '../../repository/fingerprint-key.ts'
import { generateSigner } from '../../repository/keys/signer.ts'
import type { App, OperationContext } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import type { BackupReport } from '../backup/report.ts'
import { runBackup } from '../backup/run.ts'
import { textDriver, TextPlace } from '../testing/text-driver.ts'
import { asDriver, newTestHost, otherPair, pair, type TestHost } from '../testing/test-host.ts'
import { executeCheck, type CheckReport } from './check.ts'

const ROWS = 'select key from rows'
const { signer } = generateSigner()

/** What is live: one row that is the key itself, and the key on the host. */
interface Live {
  row: string
  key: string | undefined
}

function driverOf(live: Live): Driver {
  const rows = async function* (): AsyncGenerator<{ key: string }> {
    yield await Promise.resolve({ key: live.row })
  }
  const secret = (): ReturnType<typeof secretOfBytes> | undefined =>
    live.key === undefined ? undefined : secretOfBytes(Buffer.from(live.key))
  return asDriver({
    ...textDriver,
    liveRows: rows,
    secrets: { captured: () => Promise.resolve(undefined), live: () => Promise.resolve(secret()) },
    async capture(settings, sink, context) {
      await sink.evidence?.rows({ sql: ROWS, limit: 10_000 }, rows())
      const captured = secret()
      if (captured !== undefined) sink.evidence?.secret('key', captured)
      return await textDriver.capture(settings, sink, context)
    },
  })
}

interface Stage {
  readonly testHost: TestHost
  readonly live: Live
  readonly app: App
  readonly context: OperationContext
}

async function stageFor(t: TestContext, required = true): Promise<Stage> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const live: Live = { row: 'right', key: 'right' }
  const place = new TextPlace('database', 'rows')
  const component = { name: 'database', driver: driverOf(live), settings: { kind: 'text', place } }
  const rows = { component: 'database', sql: ROWS }
  const fit = {
    kind: 'declared',
    name: 'portal-key',
    required,
    keys: { key: { kind: 'secret', component: 'database', secret: 'key' } },
    proofs: [{ kind: 'equal', about: 'the row', rows, value: { column: 'key' }, key: 'key' }],
  }
  const app = testHost.app([component], undefined, { keyFit: [declared(keyFitSetting.parse(fit))] })
  const context = {
    ...testHost.context(),
    fingerprintKey: (name: string) => Promise.resolve(fingerprintKeyOf(signer, name)),
  }
  return { testHost, live, app, context }
}

async function backUp({ app, context }: Stage): Promise<BackupReport> {
  return runBackup(app, await planBackup(app, context), context)
}

const fitOf = (report: CheckReport): Finding | undefined =>
  report.apps[0]?.findings.find(({ subject }) => subject === 'key fit portal-key')
const keyOf = (report: CheckReport): Finding | undefined =>
  report.repositories[0]?.findings.find(({ subject }) => subject === 'private key')

test('check proves the live keys on the live data', async (t) => {
  const stage = await stageFor(t)
  const report = await executeCheck([stage.app], stage.context)
  assert.equal(fitOf(report)?.level, 'ok')
  assert.equal(report.ok, true)
})

test('a wrong key on the host is an error, and the right one is named with the point that has it', async (t) => {
  const stage = await stageFor(t)
  const { point } = await backUp(stage)
  stage.live.key = 'wrong'
  const report = await executeCheck([stage.app], stage.context)
  assert.deepEqual([fitOf(report)?.level, report.ok], ['error', false])
  assert.match(
    fitOf(report)?.hint ?? '',
    new RegExp(`on this host is wrong, and the one in restore point ${point} is right`),
  )
})

test('the other way round: the key in the newest point was wrong, and the one on the host is right', async (t) => {
  const stage = await stageFor(t)
  stage.live.key = 'wrong'
  const { point } = await backUp(stage)
  stage.live.key = 'right'
  const finding = fitOf(await executeCheck([stage.app], stage.context))
  assert.equal(finding?.level, 'ok')
  assert.match(finding?.hint ?? '', new RegExp(`in restore point ${point} is wrong, and the one on this host is right`))
})

test('a key that is not there is absent, for check and in the point', async (t) => {
  const stage = await stageFor(t)
  stage.live.key = undefined
  const report = await backUp(stage)
  assert.equal(report.keyFit[0]?.verdict, 'absent')
  assert.equal(report.outcome, 'incomplete')
  const reader = await (await stage.testHost.repository()).open(report.point, [pair], stage.context)
  assert.equal(reader.manifest.keyFit?.results[0]?.verdict, 'absent')
  const finding = fitOf(await executeCheck([stage.app], stage.context))
  assert.equal(finding?.level, 'error')
  assert.match(finding?.message ?? '', /^absent \(key absent\)/)
})

test('a key that is not demanded and not there is only a warning', async (t) => {
  const stage = await stageFor(t, false)
  stage.live.key = undefined
  const report = await executeCheck([stage.app], stage.context)
  assert.deepEqual([fitOf(report)?.level, report.ok], ['warning', true])
})

test('equal keys have equal fingerprints in all points of an app, and in no other app', async (t) => {
  const stage = await stageFor(t)
  const shown = async (app: App): Promise<string | null | undefined> =>
    (await backUp({ ...stage, app })).keyFit[0]?.keys[0]?.fingerprint
  const first = await shown(stage.app)
  assert.equal(await shown(stage.app), first)
  assert.notEqual(await shown({ ...stage.app, name: 'other' }), first)
  stage.live.key = 'another'
  assert.notEqual(await shown(stage.app), first)
})

test('each repository says whether a private key opens what is in it', async (t) => {
  const stage = await stageFor(t)
  assert.equal(keyOf(await executeCheck([stage.app], stage.context)), undefined)
  await backUp(stage)
  assert.deepEqual(keyOf(await executeCheck([stage.app], stage.context))?.level, 'ok')
  const foreign = { ...stage.context, identities: () => Promise.resolve([otherPair]) }
  assert.equal(keyOf(await executeCheck([stage.app], foreign))?.level, 'warning')
})

test('nobody is asked for a password: what it would open is untested', async (t) => {
  const stage = await stageFor(t)
  await backUp(stage)
  const asking = {
    ...stage.context,
    identities: () => Promise.reject(new Error('nobody may be asked')),
    identitiesAtHand: () => Promise.resolve(undefined),
  }
  assert.deepEqual(keyOf(await executeCheck([stage.app], asking))?.level, 'untested')
})

test('a newest point that is damaged so that no key opens it is an error', async (t) => {
  const stage = await stageFor(t)
  const { point } = await backUp(stage)
  const [storage] = stage.testHost.storages
  const name = `data/${point}/keys-1`
  const before = (await storage?.stat(name, stage.context.signal))?.size ?? 0
  await storage?.remove(name, stage.context.signal)
  await storage?.put(name, Buffer.alloc(before), stage.context.signal)
  const report = await executeCheck([stage.app], stage.context)
  assert.deepEqual([keyOf(report)?.level, report.general[0]?.level, report.ok], ['error', 'error', false])
  assert.match(keyOf(report)?.message ?? '', /SHA-256 differs/)
})
