import type { Schedules } from '../config/schedules-schema.ts'
import type { Hooks } from '../config/hooks-schema.ts'
import type { Context, Records } from '../core/ports.ts'
import type { MaintenanceWindow } from '../core/schedule/maintenance-window.ts'
import type { Secret } from '../core/secret.ts'
import type { RunningOperations } from '../system/process/this-process.ts'
import type { FailureDomain } from '../core/safety/lost-together.ts'
import type { Finding, PointId } from '../core/restore-point.ts'
import type { Objectives } from '../core/safety/safety.ts'
import type { RetentionPolicy } from '../core/retention/retention.ts'
import type { Driver } from '../components/driver.ts'
import type { Advice } from '../profiles/profile.ts'
import type { Platform } from '../platforms/platform.ts'
import type { ServerAddress } from '../platforms/server-address.ts'
import type { DeclaredFit } from '../key-fit/schema.ts'
import type { Into } from '../core/texts/into-text.ts'
import type { Identity, Repository } from '../repository/repository.ts'

/** An app as the operations see it: its components with their drivers, and where its restore points go. */
export interface App {
  readonly name: string
  /** In the order in which they are captured. */
  readonly components: readonly AppComponent[]
  readonly repositories: readonly AppRepository[]
  readonly retention: RetentionPolicy
  /** How often a backup is expected. */
  readonly intervalMilliseconds: number
  /** How old the newest good point and the last drill may be. */
  readonly objectives?: Omit<Objectives, 'intervalMilliseconds'>
  /** Repositories that may be lost together with the app, and why that is accepted. */
  readonly lostTogether?: readonly { readonly repository: string; readonly reason: string }[]
  /** `background`: a backup that is run by itself lets other programs of its machine go first. */
  readonly priority?: 'background' | 'normal'
  /** What its restore points carry of the configuration, without secrets. */
  readonly configuration?: Readonly<Record<string, unknown>>
  /** Programs that run before and after it is captured or its live data is replaced. */
  readonly hooks?: Hooks
  /** When it may be stopped; always where there is none. */
  readonly windows?: readonly MaintenanceWindow[]
  /** When its commands are to run by themselves. */
  readonly schedules?: Schedules
  /** Where its workloads run; without it nothing is stopped. */
  readonly platform?: AppPlatform
  /** All apps of the configuration, this one too: their places are theirs. */
  readonly neighbours?: () => readonly App[]
  /** What differs, where this is the app at another place than its own. */
  readonly into?: Into
  /** What is known of the app, where the configuration says which it is. */
  readonly advice?: Advice
  /** Proofs that the captured keys open the data. */
  readonly keyFit?: readonly DeclaredFit[]
}

export interface AppPlatform {
  readonly kind: Platform
  readonly settings: unknown
  /** The containers in which components of the app run. */
  readonly reaches: readonly unknown[]
  /** The servers of components that are reached by an address. */
  readonly servers?: readonly ServerAddress[]
}

export interface AppComponent {
  readonly name: string
  readonly driver: Driver
  /** Parsed by the driver's schema. */
  readonly settings: unknown
  /** `paused`: a backup reads it while the app's writers are stopped. */
  readonly captureWhile?: 'running' | 'paused'
}

export interface AppRepository {
  readonly name: string
  readonly location: string
  readonly recipients: readonly string[]
  open(context: Context): Promise<Repository>
  /** What it lies on, as far as it can be seen from here. */
  place?(): Promise<FailureDomain>
  /** Public halves of private keys that are known to open it: locked in it, or kept elsewhere as the configuration says. */
  knownRecipients?(context: Context): Promise<readonly string[]>
  /** Tries out on the real storage what a repository builds on; leaves nothing behind. Fails when it cannot be written. */
  probe?(context: Context): Promise<readonly Finding[]>
}

/** What operations need beyond what their parts do. */
export interface OperationContext extends Context {
  readonly newId: () => PointId
  /** Journals of restores, kept on this machine. */
  readonly records: Records
  /** For example `holdfast 0.1.0`. */
  readonly software: string
  /** Makes a private empty folder for throw-away targets and gives its path and how to remove it. */
  readonly scratchFolder: () => Promise<{ readonly path: string; readonly remove: () => Promise<void> }>
  /** Removes one that another process made. */
  readonly removeScratchFolder: (path: string) => Promise<void>
  /** Names this process and its operations to others, and tells whether one that was named still runs on this machine. */
  readonly processes: RunningOperations
  /** Lets other programs of this machine go first from now on. */
  readonly toBackground?: () => Promise<void>
  /** A cookie that a page of a running app gives to a stranger, for key fit. */
  readonly pageCookie?: (page: string, name: string, signal: AbortSignal) => Promise<Secret | undefined>
  /**
   * The key for fingerprints of an app, the same for all its points, so that they can be compared. Undefined when there is no
   * signing key to make it from.
   */
  readonly fingerprintKey?: (app: string) => Promise<Secret | undefined>
  /** Opens points without asking anybody; undefined when a password would have to be asked for. */
  readonly identitiesAtHand?: () => Promise<readonly Identity[] | undefined>
  /** The private keys at hand; asks the operator or reads a file. Fails with `denied` when there is none. */
  readonly identities: () => Promise<readonly Identity[]>
}

export function componentNamed(app: App, name: string): AppComponent | undefined {
  return app.components.find((component) => component.name === name)
}
