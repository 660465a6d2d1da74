import { isNothingThere } from '../../../components/nothing-there.ts'
import { describe, Failure } from '../../../core/failure.ts'
import type { App, OperationContext } from '../../app.ts'
import { executeBackup } from '../../backup/execute.ts'
import type { BackupOrder } from '../../backup/order.ts'
import { SAFETY_REMARK } from '../../points/safety-remark.ts'

/**
 * Backs up what is live before a restore replaces it. Gives the point, or null when nothing is there to save: a database
 * or folder that does not exist is the reason for many restores. Anything else that keeps the safety point from being
 * complete stops the restore: a client program, a password file or a repository that is not found says nothing of the data.
 */
export async function makeSafetyPoint(app: App, context: OperationContext): Promise<string | null> {
  // What is at another place is not the app's data.
  if (app.into !== undefined) return null
  context.progress({ type: 'phase', phase: 'safety point' })
  const order: BackupOrder = {
    app: app.name,
    point: context.newId(),
    remarks: [SAFETY_REMARK],
    indivisible: 'unless nothing is there',
  }
  try {
    return (await executeBackup(app, order, context)).point
  } catch (error) {
    if (!isNothingThere(error)) throw withHint(error)
    context.progress({ type: 'note', message: `nothing to save first: ${describe(error)}` })
    return null
  }
}

function withHint(error: unknown): unknown {
  if (!(error instanceof Failure) || error.kind === 'cancelled') return error
  return new Failure(error.kind, `no safety point before the restore: ${error.message}`, {
    cause: error,
    hint: 'Nothing was changed. Repair what keeps the backup from running, or restore with --no-safety-point if the live data is worthless.',
  })
}
