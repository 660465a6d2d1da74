import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'

type Act = (context: Context) => Promise<unknown>
type Results<Acts extends readonly Act[]> = { -readonly [Index in keyof Acts]: Awaited<ReturnType<Acts[Index]>> }

/**
 * Runs all acts at once. When one fails the others are cancelled through the context they were given, and its error is
 * thrown once all have ended, so nothing goes on behind the caller's back.
 */
export async function allOrNone<const Acts extends readonly Act[]>(
  context: Context,
  acts: Acts,
): Promise<Results<Acts>> {
  const controller = new AbortController()
  const inner = { ...context, signal: AbortSignal.any([context.signal, controller.signal]) }
  const failures: unknown[] = []
  const run = async (act: Act): Promise<unknown> => {
    try {
      return await act(inner)
    } catch (error) {
      failures.push(error)
      controller.abort()
      return undefined
    }
  }
  const results = await Promise.all(acts.map(run))
  if (context.signal.aborted) throw new Failure('cancelled', 'cancelled', { cause: failures[0] })
  if (failures.length > 0) throw failures[0]
  // Each result is that of the act at its place, since none failed.
  return results as Results<Acts>
}
