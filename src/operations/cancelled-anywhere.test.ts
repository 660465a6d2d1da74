import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../core/failure.ts'
import type { Effects } from '../core/ports.ts'
import type { Storage } from '../storage/storage.ts'
import { memoryStorage } from '../storage/testing/memory.ts'
import type { App, OperationContext } from './app.ts'
import { planBackup } from './backup/plan.ts'
import { loadLastBackup, runBackup } from './backup/run.ts'
import { executeCheck } from './check/check.ts'
import { listPoints } from './points/list-points.ts'
import { executePrune } from './prune/execute.ts'
import { drillIn } from './testing/drill-in.ts'
import { restoreIn } from './testing/restore-in.ts'
import { TextPlace } from './testing/text-driver.ts'
import { newTestHost, ShiftedClock, textComponent, type TestHost } from './testing/test-host.ts'

/** A storage to which everything that is cancelled reads like a network that is gone, as S3 clients and sessions do. */
function losing(storage: Storage): Storage {
  return new Proxy(storage, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver)
      if (typeof member !== 'function') return member
      return (...given: unknown[]): unknown => {
        if (given.some((one) => one instanceof AbortSignal && one.aborted))
          throw new Failure('unreachable', 'the connection was lost')
        return Reflect.apply(member, target, given)
      }
    },
  })
}

/** A place whose changes fail the same way. */
class LosingPlace extends TextPlace {
  override async change(act: string, context: OperationContext, apply: () => void): Promise<void> {
    if (context.signal.aborted) throw new Failure('unreachable', 'the session was lost')
    await super.change(act, context, apply)
  }
}

interface Stage {
  readonly testHost: TestHost
  /** Of who runs the operation that is cancelled. */
  readonly app: App
  readonly context: OperationContext
  readonly effects: Effects
  readonly point: string
}

/** Resolves to whether the operation did all that it was asked for; rejects where it was stopped. */
type Act = (stage: Stage) => Promise<boolean>

const acts: Readonly<Record<string, Act>> = {
  backup: async ({ app, context }) =>
    (await runBackup(app, await planBackup(app, context), context)).outcome === 'done',
  drill: async ({ app, context }) => (await drillIn(app, context)).ok,
  restore: async ({ testHost, app, context, effects, point }) => {
    const cancellable = { ...testHost, context: () => context }
    return (await restoreIn(cancellable, app, { restoreId: 'abcdef01', point }, effects)).outcome === 'done'
  },
  prune: async ({ app, context }) => {
    const [target] = app.repositories
    return target !== undefined && (await executePrune(app, target, [], context)).withheld.length === 0
  },
  points: async ({ app, context }) => (await listPoints([app], context)).unread.length === 0,
  check: async ({ app, context }) => (await executeCheck([app], context)).ok,
}

/** Runs it, and cancels at the effect with this number. Says how many there were, and how it ended. */
async function cancelAt(act: Act, at: number) {
  const clock = new ShiftedClock()
  const testHost = await newTestHost({ clock, storages: [losing(memoryStorage({ clock }))] })
  try {
    const place = new LosingPlace('database', 'rows')
    const quiet = testHost.app([textComponent(place)])
    const { point } = await runBackup(quiet, await planBackup(quiet, testHost.context()), testHost.context())
    const controller = new AbortController()
    let seen = 0
    const effects: Effects = {
      run: (_name, run) => {
        seen += 1
        if (seen === at) controller.abort(new Error('stopped by SIGINT'))
        return run()
      },
    }
    if (at === 0) controller.abort(new Error('stopped by SIGINT'))
    const context = { ...testHost.context(effects), signal: controller.signal }
    const stage = { testHost, app: testHost.app([textComponent(place)], effects), context, effects, point }
    const ended = await act(stage).then(
      (whole) => (whole ? 'done' : 'not done'),
      () => 'stopped',
    )
    const { points } = await (await testHost.repository()).catalog(testHost.context())
    const failedProofs = points.flatMap(({ proofs }) => proofs).filter(({ ok }) => !ok).length
    return { seen, ended, failedProofs, place, last: await loadLastBackup(quiet, testHost.context()) }
  } finally {
    await testHost.close()
  }
}

for (const [name, act] of Object.entries(acts)) {
  test(`a ${name} that is cancelled anywhere is stopped, and is taken for no failure`, async () => {
    const whole = await cancelAt(act, -1)
    assert.equal(whole.ended, 'done')
    for (let at = 0; at <= whole.seen; at += 1) {
      const { ended, failedProofs, last, place } = await cancelAt(act, at)
      assert.ok(ended === 'stopped' || ended === 'done', `${name} cancelled at effect ${at} of ${whole.seen}: ${ended}`)
      assert.deepEqual([failedProofs, last?.outcome, place.open], [0, 'done', true], `at effect ${at}`)
    }
  })
}
