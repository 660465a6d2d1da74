import type { Context } from '../core/ports.ts'
import { toFailureUnder } from '../core/cancelled.ts'
import type { EndedRun } from '../operations/alarms/tell-run.ts'
import type { Assembly } from '../operations/assembly.ts'
import { exitCodeOf, type Ending } from './ending.ts'
import { nextStep } from './print/next-step.ts'

/** What a command says of itself before its work begins, so that alarms are told how it ended. */
export interface Announced {
  readonly command: EndedRun['command']
  readonly apps: readonly string[]
  readonly metrics?: () => string
}

/** A telephone and a mail have room for this; the whole is where the run printed it. */
const LONGEST = 3500

/** Remembers what a run said of itself, and tells the alarms how it ended. A run that announced nothing is told to nobody. */
export class ToldRun {
  readonly #alarms: Assembly['alarms']
  readonly #context: Context
  #announced: (Announced & { readonly started: Date }) | undefined
  #text: () => string = () => ''

  constructor(alarms: Assembly['alarms'], context: Context) {
    this.#alarms = alarms
    this.#context = context
  }

  readonly announce = (announced: Announced): void => {
    this.#announced = { ...announced, started: this.#announced?.started ?? this.#context.clock.now() }
  }

  /** What is told of a run that did not go well, where it ends with a result. */
  readonly printed = (text: () => string): void => {
    this.#text = text
  }

  async ended(ending: Ending): Promise<Ending> {
    const { aborted } = this.#context.signal
    await this.#tell(ending !== 'done' && aborted ? 'cancelled' : ending, ending === 'done' ? '' : this.#text())
    return ending
  }

  async failed(error: unknown): Promise<void> {
    const failure = toFailureUnder(error, this.#context.signal)
    await this.#tell(failure.kind, [failure.message, nextStep(failure)].filter(Boolean).join('\n'))
  }

  async #tell(ending: Ending, message: string): Promise<void> {
    if (this.#announced === undefined || this.#alarms.length === 0) return
    const { metrics, ...announced } = this.#announced
    const { tellRun } = await import('../operations/alarms/tell-run.ts')
    const run = { ...announced, ending, exitCode: exitCodeOf(ending), ended: this.#context.clock.now() }
    const more = metrics === undefined ? {} : { metrics: metrics() }
    await tellRun({ ...run, ...more, message: message.slice(0, LONGEST) }, this.#alarms, this.#context)
  }
}
