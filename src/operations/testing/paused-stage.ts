import type { TestContext } from 'node:test'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context, Effects } from '../../core/ports.ts'
import type { Platform } from '../../platforms/platform.ts'
import type { App } from '../app.ts'
import { planBackup } from '../backup/plan.ts'
import type { BackupReport } from '../backup/report.ts'
import { runBackup } from '../backup/run.ts'
import { TextPlace } from './text-driver.ts'
import { newTestHost, textComponent, type TestHost } from './test-host.ts'

export const broken = new Failure('toolFailed', 'it broke')
/** All workloads of the stage. */
export const BOTH = new Set(['web', 'worker'])

/** An app of two workloads and one component, with one restore point and other data since. */
export interface Stage {
  readonly testHost: TestHost
  readonly app: App
  readonly place: TextPlace
  /** What was done to workloads and data, in order. */
  readonly log: string[]
  /** The workloads that run. */
  readonly up: Set<string>
  /** Acts on workloads that fail, for example `resume web`. */
  readonly faults: Set<string>
  /** Which platform its workloads are on; who changes it switches. */
  readonly cluster: { name: string }
}

export async function stageFor(t?: TestContext): Promise<Stage> {
  const log: string[] = []
  const [up, faults] = [new Set(BOTH), new Set<string>()]
  const cluster = { name: 'one' }
  const testHost = await newTestHost()
  t?.after(() => testHost.close())
  const place = new TextPlace('database', 'captured', log)
  const platform = { kind: listPlatform(up, faults, log, cluster), settings: {}, reaches: [] }
  const app: App = { ...testHost.app([textComponent(place)]), platform }
  await backUp({ testHost, app })
  place.live = 'live'
  return { testHost, app, place, log, up, faults, cluster }
}

/** Workloads that are names in a set. */
function listPlatform(
  up: Set<string>,
  faults: ReadonlySet<string>,
  log: string[],
  cluster: Stage['cluster'],
): Platform {
  const act = (name: string, change: () => unknown, { effects, signal }: Context): Promise<void> =>
    effects.run(name, () => {
      signal.throwIfAborted()
      log.push(name)
      if (faults.has(name)) return Promise.reject(broken)
      return Promise.resolve(void change())
    })
  return {
    kind: 'list',
    settings: z.unknown(),
    identity: () => Promise.resolve(`cluster ${cluster.name}`),
    running: () => Promise.resolve([...up]),
    pause: (_settings, name, context) => act(`pause ${name}`, () => up.delete(name), context),
    resume: (_settings, name, context) => act(`resume ${name}`, () => up.add(name), context),
  }
}

/** Backs up as the command does. */
export async function backUp(
  { testHost, app }: Pick<Stage, 'testHost' | 'app'>,
  effects?: Effects,
): Promise<BackupReport> {
  const context = testHost.context(effects)
  return await runBackup(app, await planBackup(app, context), context)
}

/** The app of the stage, captured while it is paused. */
export function capturedPaused({ app }: Pick<Stage, 'app'>): App {
  return { ...app, components: app.components.map((component) => ({ ...component, captureWhile: 'paused' })) }
}
