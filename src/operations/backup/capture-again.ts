import type { OperationContext } from '../app.ts'
import type { CapturedComponent } from './capture.ts'

/** In seconds, from one attempt to the next: a migration is waited for as long as a lock used to be. */
const PAUSES = [1, 2, 4, 8, 15, 30, 60, 60, 60]

/**
 * Captures a component again as long as others change or lock it while it is read: an app that migrates during its
 * backup makes no point incomplete.
 */
export async function captureAgain(
  name: string,
  capture: (attempt: number) => Promise<CapturedComponent>,
  context: OperationContext,
): Promise<CapturedComponent> {
  for (const [index, seconds] of PAUSES.entries()) {
    const captured = await capture(index + 1)
    const { cause } = captured
    if (cause === undefined || (cause.kind !== 'locked' && cause.facts['again'] !== true)) return captured
    const message = `${name} was changed while it was read, and is read again in ${seconds} s: ${cause.message}`
    context.progress({ type: 'note', message })
    await context.clock.sleep(seconds * 1000, context.signal)
  }
  return await capture(PAUSES.length + 1)
}
