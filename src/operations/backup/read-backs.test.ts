import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ArtifactSink } from '../../components/transfer.ts'
import type { Bytes } from '../../core/ports.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { FaultyStorage } from '../../storage/testing/faulty.ts'
import { PassThrough } from '../../storage/wrap/pass-through.ts'
import type { AppComponent } from '../app.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { blobNames, newTestHost, readWhole, textComponent, type TestHost } from '../testing/test-host.ts'
import { planBackup } from './plan.ts'
import type { BackupReport } from './report.ts'
import { runBackup } from './run.ts'

const POINT = '1'.padStart(32, '0')
const [FIRST, SECOND] = [1, 2].map((number) => `data/${POINT}/00000${number}`) as [string, string]
const limit = { timeout: 10_000 }

/** A component that is captured by `act`. */
function capturedBy(act: (sink: ArtifactSink) => Promise<void>): AppComponent {
  const component = textComponent(new TextPlace('database', 'rows'))
  const capture: AppComponent['driver']['capture'] = async (_settings, sink) => {
    await act(sink)
    return { details: {}, notCaptured: [] }
  }
  return { ...component, driver: { ...component.driver, capture } }
}

async function* content(text: string): Bytes {
  yield Buffer.from(text)
}

async function backUp(t: TestContext, storage: Storage, component: AppComponent): Promise<[TestHost, BackupReport]> {
  const testHost = await newTestHost({ storages: [storage] })
  t.after(() => testHost.close())
  const app = testHost.app([component])
  return [testHost, await runBackup(app, await planBackup(app, testHost.context()), testHost.context())]
}

/** Reads nothing of the first artifact back before the second is stored. */
class Behind extends PassThrough {
  readonly #second = Promise.withResolvers<void>()
  readonly order: string[] = []

  override async put(...request: Parameters<Storage['put']>): ReturnType<Storage['put']> {
    const stored = await super.put(...request)
    if (request[0] === SECOND) this.#second.resolve()
    if (request[0].startsWith('data/')) this.order.push(`put ${request[0]}`)
    return stored
  }

  override async get(...request: Parameters<Storage['get']>): ReturnType<Storage['get']> {
    if (request[0] === FIRST) await this.#second.promise
    if (request[0].startsWith('data/')) this.order.push(`get ${request[0]}`)
    return super.get(...request)
  }
}

test(
  'the next artifact is stored while the one before is read back, and all are read back before the commit',
  limit,
  async (t) => {
    const storage = new Behind(memoryStorage())
    const component = capturedBy(async (sink) => {
      await sink.write('first', 'copy-rows', content('some rows'))
      await sink.write('second', 'copy-rows', content('more rows'))
    })
    const [testHost, report] = await backUp(t, storage, component)
    assert.equal(report.outcome, 'done')
    const expected = [`put ${SECOND}`, `get ${FIRST}`, `get ${SECOND}`]
    assert.deepEqual(
      storage.order.filter((act) => expected.includes(act)),
      expected,
    )
    const { manifest } = await readWhole(await testHost.repository(), POINT, testHost.context())
    assert.deepEqual(
      manifest.components[0]?.artifacts.map(({ role }) => role),
      ['first', 'second'],
    )
  },
)

test(
  'a capture that goes on after the last repository failed at reading back is ended, and so is what it reads',
  limit,
  async (t) => {
    const storage = new FaultyStorage(memoryStorage()).fail('get', { type: 'flip', at: 130 }, FIRST)
    const [begun, ended]: [number[], number[]] = [[], []]
    async function* watched(number: number): AsyncGenerator<Uint8Array> {
      begun.push(number)
      try {
        for (let piece = 0; piece < 10; piece += 1) yield Buffer.from('rows '.repeat(100))
      } finally {
        ended.push(number)
      }
    }
    const component = capturedBy(async (sink) => {
      for (let number = 1; ; number += 1) {
        const begunAlready = watched(number)
        await begunAlready.next()
        await sink.write(`part-${number}`, 'copy-rows', begunAlready)
        // The first is read back meanwhile.
        await sleep(50)
      }
    })
    await assert.rejects(backUp(t, storage, component), { kind: 'corrupt' })
    storage.assertAllFired()
    assert.ok(begun.length > 1)
    assert.deepEqual(ended, begun)
    assert.deepEqual(await blobNames(storage, 'data/'), [])
  },
)
