import type { Context } from '../core/ports.ts'
import type { App, OperationContext } from '../operations/app.ts'
import type { KeyChain } from '../operations/keys/keys.ts'
import type { InitRequest, InitReport } from '../operations/init/init.ts'
import type { CheckReport } from '../operations/check/check.ts'
import type { KleidiaSource } from '../operations/import-kleidia/import-kleidia.ts'
import type { Streams } from './output.ts'

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
export interface World {
  readonly streams: Streams
  /** Reads the configuration and wires apps, repositories and drivers. */
  assemble(options: CommonOptions, context: Context): Promise<Assembly>
  init(request: InitRequest, context: Context): Promise<InitReport>
  /** The Kleidia backups at a place, which is opened for reading only. */
  kleidiaSources(location: KleidiaLocation, context: Context): AsyncIterable<KleidiaSource>
  /** Gives `act` a new private folder and removes it afterwards. */
  withScratchFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result>
  /** Lets other programs of this machine go first from now on. */
  toBackground(): Promise<void>
  /** Clock, effects and the signal of Ctrl-C. */
  context(progress: Context['progress']): Context
  /** Asks on the terminal; fails with `usage` where there is none. */
  readonly ask: Questions
  /** An environment variable; undefined when it is not set or empty. */
  variable(name: string): string | undefined
}

export interface Assembly {
  readonly configPath: string
  readonly warnings: readonly string[]
  readonly apps: readonly App[]
  readonly context: OperationContext
  readonly keys: KeyChain
  check(apps: readonly App[]): Promise<CheckReport>
  /** The repositories of the configuration, also those that no app uses. */
  readonly repositories: App['repositories']
}

/** Where Kleidia put its backups; keys come from where the AWS tools look for them. */
export interface KleidiaLocation {
  /** A path, or s3://bucket/prefix. */
  readonly where: string
  readonly endpoint?: string
  readonly region?: string
  readonly ca?: string
}

export interface Questions {
  /** `variable` is the environment variable to name where there is no terminal. */
  password(question: string, variable?: string): Promise<string>
  text(question: string): Promise<string>
}
