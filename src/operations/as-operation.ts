import { throwIfCancelled } from '../core/cancelled.ts'
import { describe } from '../core/failure.ts'
import type { App, OperationContext } from './app.ts'
import { beatOn } from './guard/heartbeat.ts'

/**
 * Runs one operation of an app under a name of its own, so that what it holds is told from what others of this process hold. Shows
 * that it is alive to those who cannot see its process.
 */
export async function asOperation<Result>(
  app: App,
  context: OperationContext,
  act: (own: OperationContext) => Promise<Result>,
): Promise<Result> {
  const processes = context.processes.begin()
  const own = { ...context, processes }
  const ended = new AbortController()
  const beating = beatOn(app.name, { ...own, signal: ended.signal }).catch((error: unknown) => {
    throwIfCancelled(error, context.signal)
    context.progress({ type: 'warning', message: `others cannot see that this operation is alive: ${describe(error)}` })
  })
  try {
    return await act(own)
  } finally {
    ended.abort()
    await beating.catch(() => undefined)
    processes.end()
  }
}
