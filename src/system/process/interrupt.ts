import { failureKinds } from '../../core/failure.ts'

/** A signal sent to a whole process group reaches us twice: directly, and handed on by the launcher. */
const SAME_SIGNAL_MILLISECONDS = 500

/**
 * A signal that fires when the operator or the system asks this process to end. Asking again, not within the same
 * moment, ends it at once, without cleaning up.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  let asked = 0
  const end = (): never => process.exit(failureKinds.cancelled.exit)
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted && performance.now() - asked > SAME_SIGNAL_MILLISECONDS) end()
    if (controller.signal.aborted) return
    asked = performance.now()
    controller.abort(new Error(`stopped by ${name}`))
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)
  return controller.signal
}
