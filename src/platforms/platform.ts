import type { z } from 'zod'
import type { Context } from '../core/ports.ts'

/**
 * Where the workloads of an app run: what a restore needs to stop whoever writes to the data, and to bring back exactly
 * what was there. Every method can be called again after a death at any place. Workloads have names that last.
 */
export interface Platform<Settings = unknown> {
  readonly kind: string
  readonly settings: z.ZodType<Settings>
  /** The names of those that run now, in the order in which they are stopped. Fails where that cannot be told. Changes nothing. */
  running(settings: Settings, context: Context): Promise<readonly string[]>
  /** Stops it and waits until it is down. One that does not run stays down. */
  pause(settings: Settings, workload: string, context: Context): Promise<void>
  /** Starts it and waits until it is up. One that runs goes on. */
  resume(settings: Settings, workload: string, context: Context): Promise<void>
}
