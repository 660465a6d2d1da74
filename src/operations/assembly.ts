import type { AlarmSettings } from '../alarms/settings.ts'
import type { App, OperationContext } from './app.ts'
import type { CurrentPassword } from './init/init.ts'
import type { KeyAdministration } from './keys/keys.ts'

/** What a terminal, a server or a worker has of one configuration; `assemble.ts` gives the real one. */
export interface Assembly {
  readonly configPath: string
  readonly warnings: readonly string[]
  readonly apps: readonly App[]
  /** Who is told how runs ended. */
  readonly alarms: readonly AlarmSettings[]
  readonly context: OperationContext
  readonly keys: KeyAdministration
  /** The repositories of the configuration, also those that no app uses. */
  readonly repositories: App['repositories']
  /** Ends what was opened for all of them, such as ways into containers. What is used afterwards is opened anew. */
  close(): Promise<void>
}

/** What is to be assembled. */
export interface AssemblyRequest {
  /** Found in the usual places by default. */
  readonly config?: string | undefined
  /** Repositories that refuse every change. */
  readonly readOnly?: boolean | undefined
}

/** What the one who assembles gives. */
export interface AssemblyPorts {
  /** The password of a locked private key: from the environment, or asked for. */
  readonly password: CurrentPassword
  /** A person has to be there to give it. */
  readonly isAsked: boolean
  /** Lets other programs of this machine go first from now on. */
  readonly toBackground?: () => Promise<void>
}
