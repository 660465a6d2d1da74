import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { TextPlace } from '../testing/text-driver.ts'
import { newTestHost, readWhole, ShiftedClock, textComponent } from '../testing/test-host.ts'
import { planBackup } from './plan.ts'
import { runBackup } from './run.ts'

/** Does not wait, and remembers what it was asked to. */
class QuickClock extends ShiftedClock {
  readonly slept: number[] = []
  override readonly sleep = (milliseconds: number, signal: AbortSignal): Promise<void> => {
    if (milliseconds >= 1000) this.slept.push(milliseconds)
    return signal.aborted ? Promise.reject(new Failure('cancelled', 'cancelled')) : Promise.resolve()
  }
}

/** Fails so many captures, at their ends. */
class BusyPlace extends TextPlace {
  attempts = 0
  readonly #times: number
  readonly #failure: Failure

  constructor(times: number, failure: Failure) {
    super('database', 'rows that are longer than one chunk')
    this.#times = times
    this.#failure = failure
  }

  override async *content(): AsyncGenerator<Uint8Array> {
    yield* super.content()
    this.attempts += 1
    if (this.attempts <= this.#times) throw this.#failure
  }
}

const locked = new Failure('locked', 'a lock was not free in time')
const changed = new Failure('toolFailed', 'deadlock detected', { facts: { again: true } })
const broken = new Failure('toolFailed', 'no rights')

async function backedUp(t: TestContext, place: BusyPlace) {
  const clock = new QuickClock()
  const testHost = await newTestHost({ clock })
  t.after(() => testHost.close())
  const app = testHost.app([textComponent(place)])
  const run = async () => await runBackup(app, await planBackup(app, testHost.context()), testHost.context())
  return { clock, testHost, run }
}

for (const failure of [locked, changed]) {
  test(`a component that ended with ${failure.message} is read again, and is whole`, async (t) => {
    const place = new BusyPlace(3, failure)
    const { clock, testHost, run } = await backedUp(t, place)
    const report = await run()
    assert.equal(report.outcome, 'done')
    assert.deepEqual(clock.slept, [1000, 2000, 4000])
    const reader = await readWhole(await testHost.repository(), report.point, testHost.context())
    assert.equal(reader.manifest.components[0]?.artifacts.length, 1)
    assert.equal(report.components[0]?.bytes, place.live?.length)
  })
}

test('what nobody else is to blame for is not read again, and what never rests is given up', async (t) => {
  const once = new BusyPlace(1, broken)
  await assert.rejects((await backedUp(t, once)).run(), { kind: 'toolFailed' })
  assert.equal(once.attempts, 1)
  const never = new BusyPlace(1000, locked)
  const { clock, run } = await backedUp(t, never)
  await assert.rejects(run(), { kind: 'locked' })
  assert.equal(never.attempts, clock.slept.length + 1)
})
