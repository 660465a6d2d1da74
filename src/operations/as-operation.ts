import type { OperationContext } from './app.ts'

/** Runs one operation under a name of its own, so that what it holds is told from what others of this process hold. */
export async function asOperation<Result>(
  context: OperationContext,
  act: (own: OperationContext) => Promise<Result>,
): Promise<Result> {
  const processes = context.processes.begin()
  try {
    return await act({ ...context, processes })
  } finally {
    processes.end()
  }
}
