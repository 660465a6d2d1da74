import type { Context } from '../core/ports.ts'
import type { Assembly } from '../operations/assembly.ts'
import type { Streams } from './print/output.ts'

/** Options of every command. */
export interface CommonOptions {
  readonly config?: string
  readonly json?: boolean
  readonly quiet?: boolean
  /** Of those commands that would ask: it was agreed to before. */
  readonly yes?: boolean
  /** The command promises to change no repository, and gets one that refuses every change. */
  readonly readOnly?: boolean
}

/** What the terminal side needs from the rest; `assemble.ts` gives the real one. */
export interface CliPorts {
  readonly streams: Streams
  /** Reads the configuration and wires apps, repositories and drivers. */
  assemble(options: CommonOptions, context: Context): Promise<Assembly>
  /** Gives `act` a new private folder and removes it afterwards. */
  withScratchFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result>
  /** Clock, effects and the signal of Ctrl-C. */
  context(progress: Context['progress']): Context
  /** Asks on the terminal; fails with `usage` where there is none. */
  readonly ask: Questions
  /** An environment variable; undefined when it is not set or empty. */
  variable(name: string): string | undefined
}

export interface Questions {
  /** `variable` is the environment variable to name where there is no terminal. */
  password(question: string, variable?: string): Promise<string>
  text(question: string): Promise<string>
}
