import type { z } from 'zod'
import type { Context } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import type { Place } from './place.ts'
import type { ServerAddress } from './server-address.ts'
import type { HostFolder, Spawned, VolumesWanted } from './through.ts'

/**
 * Where the workloads of an app run: what a restore needs to stop whoever writes to the data, and to bring back exactly
 * what was there. Every method can be called again after a death at any place. Workloads have names that last.
 */
export interface Platform<Settings = unknown, Reach = unknown> {
  readonly kind: string
  readonly settings: z.ZodType<Settings>
  /** The names of those that run now, in the order in which they are stopped. Fails where that cannot be told. Changes nothing. */
  running(settings: Settings, context: Context): Promise<readonly string[]>
  /**
   * For a plan, in words and in the order of `workloads`: what `resume` brings each of them back to, also of those that are stopped
   * already. Absent where each of them only runs. Changes nothing.
   */
  comeBackTo?(settings: Settings, workloads: readonly string[], context: Context): Promise<readonly string[]>
  /** Stops it and waits until it is down. One that does not run stays down. */
  pause(settings: Settings, workload: string, context: Context): Promise<void>
  /** Starts it as it was before `pause`, and waits until it is ready. One that runs goes on. */
  resume(settings: Settings, workload: string, context: Context): Promise<void>
  /**
   * Fails where a workload that is to be stopped is one that a component of the app runs in: in the container that it names, or
   * certainly the server at its address. Asked before the first is stopped. Changes nothing.
   */
  protect?(
    settings: Settings,
    reaches: readonly Reach[],
    context: Context,
    servers?: readonly ServerAddress[],
  ): Promise<void>
  /**
   * What the settings mean now, in words that stay the same for the same one, where something beside them decides it. A plan
   * fixes it: what was planned for one does not run on another. Changes nothing.
   */
  identity?(settings: Settings, context: Context): Promise<string>
  /** Whether all that pause, resume and reach need is there and allowed. Changes nothing. */
  check?(
    settings: Settings,
    reaches: readonly Reach[],
    context: Context,
    servers?: readonly ServerAddress[],
  ): Promise<readonly Finding[]>
  /** The least rights for a purpose, as text that an administrator reads and applies. Changes nothing. */
  rights?(settings: Settings, reaches: readonly Reach[], purpose: PlatformPurpose, context: Context): Promise<string>
  /** For platforms whose servers may be out of this host's reach. */
  readonly inside?: Inside<Settings, Reach>
}

/** `guardian`: brings back what a dead run left stopped. */
export type PlatformPurpose = 'backup' | 'restore' | 'drill' | 'guardian'

export interface Inside<Settings = unknown, Reach = unknown> {
  /** Names one container of the platform, for example `{kind: compose, service: db}`. */
  readonly reach: z.ZodType<Reach>
  /** For people, without asking the platform: `service db of compose project app`. */
  describe(settings: Settings, reach: Reach): string
  /** Changes nothing. Fails with `notFound` for none and `refused` for more than one, and lists what was found. */
  find(settings: Settings, reach: Reach, context: Context): Promise<Place>
  /** A container like it, with nothing of it but the image; labelled, so that a later run removes what a dead one left. */
  spawn?(settings: Settings, reach: Reach, context: Context): Promise<Spawned>
  /** The same with the volumes on which a path inside lies, read-only. The container that it is like may be stopped. */
  spawnWithVolumes?(settings: Settings, reach: Reach, wanted: VolumesWanted, context: Context): Promise<Spawned>
  /** On which folder of the host a path inside lies; the container may be stopped. Changes nothing. */
  hostFolder?(settings: Settings, reach: Reach, path: string, context: Context): Promise<HostFolder>
}
