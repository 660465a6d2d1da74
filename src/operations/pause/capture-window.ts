import { Failure, toFailure } from '../../core/failure.ts'
import type { App, AppComponent, OperationContext } from '../app.ts'
import { withAppLock } from './app-lock.ts'
import { letGo, noteHeld, refuseOther, release } from './hold.ts'
import { loadRecord, saveRecord } from './record.ts'
import { runningWorkloads, startWorkloads, stopWorkloads } from './workloads.ts'

/** Whether this component is captured while the app's writers are stopped. */
export const isCapturedPaused = ({ captureWhile }: AppComponent): boolean => captureWhile === 'paused'

/**
 * The time in which the writers are stopped for a backup: from before the first component that asks for it until the
 * last of these is captured. All of them are so of one moment, and the app is stopped once.
 */
export class CaptureWindow {
  readonly #app: App
  readonly #point: string
  readonly #context: OperationContext
  /** Starts what was stopped; undefined while nothing is. */
  #end: (() => Promise<void>) | undefined
  /** Why what was stopped could not be started. */
  failure: Failure | undefined

  constructor(app: App, point: string, context: OperationContext) {
    this.#app = app
    this.#point = point
    this.#context = context
  }

  /** Before a component is read. Fails when a workload cannot be stopped, and then starts all again. */
  async enter(component: AppComponent): Promise<void> {
    if (!isCapturedPaused(component) || this.#end !== undefined) return
    if (this.#app.platform === undefined) throw noPlatform(this.#app.name, component.name)
    const before = await loadRecord(this.#app.name, this.#context)
    await refuseOther(before, this.#context)
    try {
      const workloads = before === undefined ? await this.#hold() : await this.#within()
      await stopWorkloads(this.#app, workloads, this.#context)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Once a component is read. What was read of it may still be on its way to the repositories. */
  async leave(component: AppComponent): Promise<void> {
    const last = this.#app.components.findLast(isCapturedPaused)
    if (last === undefined || component === last) await this.close()
  }

  /** Starts what is stopped, also after a failure or a cancellation. That it cannot is told, and loses no restore point. */
  async close(): Promise<void> {
    const end = this.#end
    this.#end = undefined
    await this.afterwards(async () => await end?.())
  }

  /** What brings the app back: that it fails is told, and loses no restore point. */
  async afterwards(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.failure ??= toFailure(error)
      this.#context.progress({ type: 'warning', message: toFailure(error).message })
    }
  }

  /** Who stops this backup is not to stop what brings the app back. */
  get #uncancelled(): OperationContext {
    return { ...this.#context, signal: new AbortController().signal }
  }

  async #hold(): Promise<readonly string[]> {
    this.#end = () => release(this.#app, this.#point, this.#uncancelled)
    return await noteHeld(this.#app, { operation: 'backup', id: this.#point }, this.#context)
  }

  /** The app is paused already and stays so: only what runs all the same is stopped, and started again. */
  async #within(): Promise<readonly string[]> {
    const workloads = await withAppLock(this.#app.name, this.#context, () => this.#join())
    this.#end = async () => {
      await startWorkloads(this.#app, workloads, this.#uncancelled)
      const now = await loadRecord(this.#app.name, this.#uncancelled)
      if (now !== undefined) await letGo(now, this.#uncancelled)
    }
    return workloads
  }

  /** While it reads, the end of the pause must wait for it. */
  async #join(): Promise<readonly string[]> {
    const record = await loadRecord(this.#app.name, this.#context)
    await refuseOther(record, this.#context)
    if (record === undefined) throw hasEnded(this.#app.name)
    const workloads = await runningWorkloads(this.#app, this.#context)
    const owner = await this.#context.processes.self()
    await saveRecord({ ...record, owner, workloads: [...new Set([...record.workloads, ...workloads])] }, this.#context)
    return workloads
  }
}

function hasEnded(app: string): Failure {
  return new Failure('locked', `the pause of app ${app} was ended just now`, { hint: 'Run this again.' })
}

function noPlatform(app: string, component: string): Failure {
  return new Failure(
    'usage',
    `component ${component} is captured while app ${app} is paused, and the app has no platform`,
    {
      hint: `Say under apps.${app}.platform what is to be stopped.`,
    },
  )
}
