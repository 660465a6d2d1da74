import type { Clock } from '../core/ports.ts'
import type { AlarmOf, AlarmSettings, NamedCommand } from './settings.ts'

/** How a run ended that nobody may have watched. Holds no secret. */
export interface RunEvent {
  readonly command: NamedCommand
  readonly apps: readonly string[]
  /** `done`, or the kind of the failure. */
  readonly ending: string
  readonly exitCode: number
  readonly started: Date
  readonly ended: Date
  readonly host: string
  /** What went wrong and what to do, for people. Empty where nothing did. */
  readonly message: string
  /** In the text format of Prometheus, where the command has more to say than how it ended. */
  readonly metrics?: string
}

export interface Telling {
  readonly clock: Clock
  /** Ends at the limit of the telling, not with the run: who cancels a backup is told of it too. */
  readonly signal: AbortSignal
}

/** One way of telling people or machines how a run ended. Adding one is a file, its settings, and a line in `tell-by.ts`. */
export interface Channel<Kind extends AlarmSettings['kind']> {
  /** Fails with a Failure where it did not arrive. */
  tell(settings: AlarmOf<Kind>, event: RunEvent, telling: Telling): Promise<void>
}

/** One line: who reads it on a telephone sees no more. */
export function titleOf({ command, apps, ending }: RunEvent): string {
  const verdict = ending === 'done' ? 'went well' : ending === 'incomplete' ? 'is INCOMPLETE' : `FAILED (${ending})`
  return `Holdfast: ${command} of ${apps.join(', ')} ${verdict}`
}

/** For people, after the title. */
export function bodyOf(event: RunEvent): string {
  const seconds = Math.round((event.ended.getTime() - event.started.getTime()) / 1000)
  const when = `On ${event.host}, from ${event.started.toISOString()}, ${seconds} s; exit code ${event.exitCode}.`
  return [event.message, when].filter((part) => part !== '').join('\n\n')
}
