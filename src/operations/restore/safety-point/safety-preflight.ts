import { failedFinding } from '../../../core/failed-finding.ts'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { Commit } from '../../../repository/documents/documents.ts'
import type { App, AppRepository, OperationContext } from '../../app.ts'
import { SAFETY_REMARK } from '../../points/safety-remark.ts'

const HINT = 'Repair it, or restore with --no-safety-point if the live data is worthless.'

/**
 * What would keep a safety point from being made before a restore: no key to sign it, nobody to encrypt it for, no repository
 * that takes it, no room. One repository is enough. Looks only: nothing is written.
 */
export async function safetyFindings(
  app: App,
  restored: Pick<Commit, 'artifacts' | 'manifest'>,
  context: OperationContext,
): Promise<readonly Finding[]> {
  context.progress({ type: 'phase', phase: 'preflight', detail: 'safety point' })
  const looked = await Promise.all(app.repositories.map((target) => lookAt(target, app, sizeOf(restored), context)))
  const found = looked.filter((finding) => finding !== undefined)
  if (found.length < looked.length) return found.map((finding) => ({ ...finding, level: 'warning' }))
  return found.map((finding) => ({ ...finding, hint: [finding.hint, HINT].filter(Boolean).join(' ') }))
}

/** Fails with `refused` where no safety point can be made. */
export async function assertSafetyPoint(
  app: App,
  restored: Pick<Commit, 'artifacts' | 'manifest'>,
  context: OperationContext,
): Promise<void> {
  const [first] = (await safetyFindings(app, restored, context)).filter(({ level }) => level === 'error')
  if (first === undefined) return
  throw new Failure('refused', `${first.subject}: ${first.message}`, { hint: first.hint ?? HINT })
}

/** What is live is about as large as what was captured of it. */
function sizeOf({ artifacts, manifest }: Pick<Commit, 'artifacts' | 'manifest'>): number {
  return artifacts.reduce((sum, { size }) => sum + size, manifest.size)
}

async function lookAt(
  target: AppRepository,
  app: App,
  bytes: number,
  context: OperationContext,
): Promise<Finding | undefined> {
  const subject = `safety point in ${target.name}`
  try {
    const repository = await target.open(context)
    const request = { app: app.name, point: context.newId(), recipients: target.recipients, remarks: [SAFETY_REMARK] }
    // Nothing is stored before the first artifact, so this point never was.
    await repository.begin(request, context)
    const free = await repository.free(context)
    if (free === undefined || free >= bytes) return undefined
    const message = `${free} bytes are free there, and the point that is restored takes ${bytes}`
    return { level: 'error', subject, message, hint: 'Make room there.' }
  } catch (error) {
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    return failedFinding(subject, error)
  }
}
