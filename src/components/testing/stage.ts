import assert from 'node:assert/strict'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deadEffects } from '../../../test/parts/dying-effects.ts'
import { isFailure } from '../../core/failure.ts'
import type { Context, Effects } from '../../core/ports.ts'
import type { TargetMode } from '../../core/restore-point.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import type { Driver } from '../driver.ts'
import type { RestoreTarget, TargetState } from '../target.ts'
import { captureInMemory, type CapturedInMemory } from './memory-artifacts.ts'

/** One component in the world whose live data is one text. */
export interface ContractSubject<Settings, Details> {
  readonly driver: Driver<Settings, Details>
  readonly settings: Settings
  /** Makes this text the live data, whatever was live before. */
  write(text: string): Promise<void>
  /** The text that is live; undefined when nothing is. */
  read(): Promise<string | undefined>
  /** Takes all live data away, for kinds that say `nothingThere` then. */
  remove?(): Promise<void>
  /** The names of all that restores left beside the live data. */
  leftovers(): Promise<readonly string[]>
  close?(): Promise<void>
}

export const CAPTURED = 'the captured text'
export const LIVE = 'the text that is live'
export const RESTORE_ID = '0a1b2c3d'
export const context = contextWith(directEffects)

export function contextWith(effects: Effects, signal = new AbortController().signal): Context {
  return { clock: systemClock, effects, signal, progress: () => {} }
}

/** A subject that was captured with `CAPTURED` in it and has `LIVE` now. */
export class Stage<Settings, Details> {
  readonly subject: ContractSubject<Settings, Details>
  readonly point: CapturedInMemory<Details>
  readonly scratchFolder: string

  private constructor(
    subject: ContractSubject<Settings, Details>,
    point: CapturedInMemory<Details>,
    scratchFolder: string,
  ) {
    this.subject = subject
    this.point = point
    this.scratchFolder = scratchFolder
  }

  static async make<Settings, Details>(
    subject: ContractSubject<Settings, Details>,
    captured?: CapturedInMemory<Details>,
  ): Promise<Stage<Settings, Details>> {
    const point = captured ?? (await capturedIn(subject))
    await subject.write(LIVE)
    return new Stage(subject, point, await mkdtemp(join(tmpdir(), 'holdfast-contract-')))
  }

  /** As a new process opens it, which knows nothing of an earlier one. */
  open(mode: TargetMode = 'swap', settings: Settings = this.subject.settings): Promise<RestoreTarget<Details>> {
    const { scratchFolder } = this
    return this.subject.driver.open(settings, { mode, restoreId: RESTORE_ID, scratchFolder }, context)
  }

  load(target: RestoreTarget<Details>, given = context): Promise<void> {
    return target.load(this.point.details, this.point.source, given)
  }

  async compare(target: RestoreTarget<Details>, given = context): Promise<readonly string[]> {
    const differences = await target.compare(this.point.details, given, this.point.source)
    return differences.map(({ subject, expected, found }) => `${subject}: expected ${expected}, found ${found}`)
  }

  /** All of a restore by swap. */
  async restore(given = context): Promise<RestoreTarget<Details>> {
    const target = await this.open()
    try {
      await this.load(target, given)
      await target.fence(given)
      await target.swap(this.point.details, given)
      await target.reopen(given)
    } catch (error) {
      // A process that died has no sessions any more.
      await target.reopen(contextWith(deadEffects)).catch(() => {})
      throw error
    }
    return target
  }

  /** All of a drill: loads into the scratch place, compares, and throws it away. */
  async drill(given = context): Promise<void> {
    const target = await this.open('scratch')
    try {
      await this.load(target, given)
      assert.deepEqual(await this.compare(target, given), [])
      await target.discard(given)
    } catch (error) {
      await this.#die(target)
      throw error
    }
  }

  /** What a dead process held, ends with it. What it left in the scratch folder stays. */
  async #die(target: RestoreTarget<Details>): Promise<void> {
    const left = `${this.scratchFolder}-left`
    await rename(this.scratchFolder, left)
    await target.discard(context).catch(() => {})
    await rm(this.scratchFolder, { recursive: true, force: true })
    await rename(left, this.scratchFolder)
  }

  async retainedIds(): Promise<readonly string[]> {
    const { driver, settings } = this.subject
    const kept = await driver.listRetained(settings, context)
    for (const one of kept) await driver.retainedBytes?.(settings, one, context)
    return kept.map(({ restoreId }) => restoreId)
  }

  async assertIs(target: RestoreTarget<Details>, state: TargetState, live: string | undefined): Promise<void> {
    assert.deepEqual({ state: await target.state(context), live: await this.subject.read() }, { state, live })
  }

  /** Nothing of any restore is left. */
  async assertClean(live: string | undefined): Promise<void> {
    assert.deepEqual(await this.subject.leftovers(), [])
    assert.deepEqual(await readdir(this.scratchFolder), [])
    assert.deepEqual(await this.retainedIds(), [])
    assert.equal(await this.subject.read(), live)
  }

  async close(): Promise<void> {
    await rm(this.scratchFolder, { recursive: true, force: true })
    await this.subject.close?.()
  }
}

async function capturedIn<Settings, Details>(
  subject: ContractSubject<Settings, Details>,
): Promise<CapturedInMemory<Details>> {
  await subject.write(CAPTURED)
  return captureInMemory(subject.driver, subject.settings, context)
}

export async function assertRefused(act: Promise<unknown>): Promise<void> {
  await assert.rejects(act, (error: unknown) => isFailure(error, 'refused'))
}
