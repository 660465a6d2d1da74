import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Driver } from '../../components/driver.ts'
import { sqlFailure } from '../../components/postgres/connection/query.ts'
import { OF_ENVIRONMENT, Failure, type FailureKind } from '../../core/failure.ts'
import type { CatalogPoint } from '../../repository/repository.ts'
import { run } from '../../system/process/run.ts'
import { planBackup } from '../backup/plan.ts'
import { runBackup } from '../backup/run.ts'
import { drillIn } from '../testing/drill-in.ts'
import { textDriver, TextPlace } from '../testing/text-driver.ts'
import { asDriver, newTestHost, textComponent, type TestHost } from '../testing/test-host.ts'
import { executeVerify } from '../verify/execute.ts'

const code = (name: string): Error => Object.assign(new Error(`${name}: some words, write`), { code: name })
const sql = (state: string, message = 'in the words of the server'): unknown =>
  sqlFailure(Object.assign(new Error(message), { code: state }))

/** A program that ends in these words. */
async function tool(text: string, file = '/bin/sh'): Promise<never> {
  const args = ['-c', 'printf "%s\\n" "$1" >&2; exit 1', 'sh', text]
  await run({ file, args, signal: new AbortController().signal, idleLimit: 10_000, totalLimit: 10_000 })
  throw new Error('it ended well')
}

/** Everything that can go wrong around the data while a point is read, loaded, compared or examined. */
const faults: Readonly<Record<string, readonly [FailureKind, () => unknown]>> = {
  'a full disk for temporary files': ['refused', () => code('ENOSPC')],
  'a quota': ['refused', () => code('EDQUOT')],
  'too many open files': ['refused', () => code('EMFILE')],
  'too many open files on the machine': ['refused', () => code('ENFILE')],
  'no memory': ['refused', () => code('ENOMEM')],
  'a right on one file': ['denied', () => code('EACCES')],
  'a read-only disk': ['denied', () => code('EROFS')],
  'a disk that fails': ['unreachable', () => code('EIO')],
  'a folder that is not there': ['notFound', () => code('ENOENT')],
  'a full disk of the server': ['refused', () => sql('53100')],
  'a quota of the server': ['refused', () => sql('XX000', 'could not extend file "x": Disk quota exceeded')],
  'no memory of the server': ['refused', () => sql('53200')],
  'too many connections': ['unreachable', () => sql('53300')],
  'a disk of the server that fails': ['unreachable', () => sql('58030')],
  'a right in the server': ['denied', () => sql('42501')],
  'a full disk in the words of initdb': [
    'refused',
    () => tool('initdb: error: could not create directory "/t": No space left on device'),
  ],
  'a full disk in the words of zstd': ['refused', () => tool('zstd: error 70 : Write error : No space left on device')],
  'a server that is gone in the words of pg_restore': [
    'unreachable',
    () => tool('pg_restore: error: could not execute query: server closed the connection unexpectedly'),
  ],
  'a missing program': ['notFound', () => tool('', '/nowhere/pg_restore')],
  'a program that may not be started': ['denied', () => tool('', '/etc/passwd')],
  'a program of ours': ['toolFailed', () => new Failure('toolFailed', 'initdb failed', { facts: OF_ENVIRONMENT })],
  'a missing option': ['usage', () => new Failure('usage', 'it needs tlsCa')],
  'an older program': ['unsupported', () => new Failure('unsupported', 'pg_restore is older')],
  'a defect of ours': ['bug', () => new TypeError('undefined is not a function')],
}

/** And what says something of the data. */
const verdicts: Readonly<Record<string, readonly [FailureKind, () => unknown]>> = {
  damage: ['corrupt', () => new Failure('corrupt', 'chunk 3 is not what was written')],
  'a dump that pg_restore does not take': ['toolFailed', () => tool('pg_restore: error: could not read: end of file')],
  'a statement that the server does not take': ['toolFailed', () => sql('23505')],
  'rows that cannot be loaded': ['refused', () => new Failure('refused', 'x', { facts: { accept: 'without-rows' } })],
}

async function stageFor(t: TestContext): Promise<TestHost> {
  const testHost = await newTestHost()
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(new TextPlace('database', 'rows'))])
  await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return testHost
}

/** The driver, which fails where it examines, and whose targets fail where they load. */
function failing(fail: () => unknown): Driver {
  const inner = asDriver(textDriver)
  const thrown = async (): Promise<never> => {
    throw await fail()
  }
  return {
    ...inner,
    examine: thrown,
    async open(settings, request, context) {
      return new Proxy(await inner.open(settings, request, context), {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target)
          if (name === 'load') return thrown
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
}

async function drill(testHost: TestHost, fail: () => unknown): Promise<FailureKind | undefined> {
  const context = testHost.context()
  const place = textComponent(new TextPlace('database', 'live'))
  const app = testHost.app([{ ...place, driver: failing(fail) }])
  return (await drillIn(app, context)).failure?.kind
}

async function verify(testHost: TestHost, fail: () => unknown): Promise<FailureKind | undefined> {
  const context = testHost.context()
  const repository = await testHost.repository()
  const options = { sample: 1, drivers: [failing(fail)] }
  return (await executeVerify(repository, await theOne(testHost), options, context)).examined[0]?.failure?.kind
}

async function theOne(testHost: TestHost): Promise<CatalogPoint> {
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  assert.ok(points[0] !== undefined)
  return points[0]
}

async function proofs(testHost: TestHost): Promise<readonly boolean[]> {
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  return points.flatMap((point) => point.proofs.map(({ ok }) => ok))
}

for (const [name, [kind, fail]] of Object.entries(faults)) {
  test(`neither a drill nor a verify makes a verdict of ${name}`, async (t) => {
    const testHost = await stageFor(t)
    await assert.rejects(drill(testHost, fail), { kind })
    const found = await verify(testHost, fail).catch((error: unknown) => (error as Failure).kind)
    assert.equal(found, kind)
    assert.deepEqual(await proofs(testHost), [])
  })
}

for (const [name, [kind, fail]] of Object.entries(verdicts)) {
  test(`a drill signs that a point failed for ${name}`, async (t) => {
    const testHost = await stageFor(t)
    assert.equal(await drill(testHost, fail), kind)
    assert.equal(await verify(testHost, fail), kind)
    assert.deepEqual(await proofs(testHost), [false, false])
  })
}
