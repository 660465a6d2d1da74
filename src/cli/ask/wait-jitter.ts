import type { Context } from '../../core/ports.ts'
import { timeOption } from './time-option.ts'

/** The option by which runs that many hosts schedule at one time begin at different ones. */
export const JITTER = ['--jitter <time>', 'first wait a random time, at most this long'] as const

/** Waits as the option says; fails when it is stopped meanwhile. */
export async function waitJitter(text: string | undefined, context: Context): Promise<void> {
  const most = await timeOption('--jitter', text)
  if (most === undefined) return
  const { waitAtRandom } = await import('../../operations/schedule/wait.ts')
  await waitAtRandom(most, context)
}
