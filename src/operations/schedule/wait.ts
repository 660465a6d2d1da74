import type { Context } from '../../core/ports.ts'
import { randomBelow } from '../../system/random.ts'

/** Waits a random time below `most` milliseconds, so that many hosts do not begin at once; fails when it is stopped meanwhile. */
export async function waitAtRandom(most: number, { clock, signal, progress }: Context): Promise<void> {
  const time = randomBelow(most)
  progress({ type: 'note', message: `starts in ${Math.round(time / 1000)} seconds` })
  await clock.sleep(time, signal)
}
