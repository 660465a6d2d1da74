import type { Schedule, ScheduledCommand } from '../../config/schedules-schema.ts'

/** One command of one app that is to run by itself. */
export interface ScheduledJob extends Schedule {
  readonly app: string
  readonly command: ScheduledCommand
  /** Of the app, in Kubernetes. */
  readonly namespace?: string | undefined
}

/** What is written for whatever runs things: a file, and how to run it at once. */
export interface ExportedFile {
  /** Without a folder. */
  readonly name: string
  readonly text: string
}

/** The first line of every file that is written, by which it may be replaced. */
export const MARK = '# Written by holdfast schedule export.'

/** What stands behind the program, without a jitter. */
export function commandOf({ command, app }: Pick<ScheduledJob, 'command' | 'app'>): readonly string[] {
  return command === 'changes' ? ['backup', app, '--if-changed'] : [command, app]
}

/** The jitter as an option of the command, for what runs things without a jitter of its own. */
export function argumentsOf({ command, app, jitterMilliseconds }: ScheduledJob): readonly string[] {
  const jitter = jitterMilliseconds === 0 ? [] : ['--jitter', `${jitterMilliseconds / 1000}s`]
  return [...commandOf({ command, app }), ...jitter]
}
