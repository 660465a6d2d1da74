import { isAboutTheData, toFailure } from '../../core/failure.ts'
import type { Driver } from '../../components/driver.ts'
import type { ManifestComponent } from '../../repository/documents.ts'
import type { PointReader, Repository } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import { summarize, type FailureSummary } from '../backup/report.ts'
import { detailsOf, drain, readArtifact, sourceOf } from '../source.ts'
import type { VerifyPlan, VerifyStep } from './plan.ts'

export interface VerifyReport {
  readonly app: string
  readonly point: string
  readonly ok: boolean
  readonly bytesRead: number
  readonly durationMilliseconds: number
  /** Set when an artifact is not there or has another size. */
  readonly absent?: FailureSummary
  readonly artifacts: readonly (VerifyStep & { readonly ok: boolean; readonly failure?: FailureSummary })[]
  /** Archives that the real tool read whole, by component. */
  readonly examined: readonly { readonly component: string; readonly ok: boolean; readonly failure?: FailureSummary }[]
}

/**
 * Presence first, then every byte decrypted and hashed, then each archive read by the real tool. Goes through all of
 * it even when something fails, so that the report names everything; leaves a signed proof either way.
 */
export async function executeVerify(
  repository: Repository,
  reader: PointReader,
  drivers: readonly Driver[],
  plan: VerifyPlan,
  context: OperationContext,
): Promise<VerifyReport> {
  const begun = context.clock.monotonic()
  const artifacts: VerifyReport['artifacts'][number][] = []
  context.progress({ type: 'phase', phase: 'presence' })
  const absent = await failureOf(() => reader.checkPresence(context), context)
  for (const step of plan.artifacts) artifacts.push(await verifyArtifact(reader, step, context))
  const readWhole = plan.artifacts.every(({ level }) => level === 'full') && artifacts.every(({ ok }) => ok)
  const examined = readWhole ? await examineAll(reader, drivers, context) : []
  const ok =
    absent === undefined && artifacts.every((artifact) => artifact.ok) && examined.every((component) => component.ok)
  const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
  await repository.prove(
    plan.point,
    'verify',
    { ok, facts: { bytesRead: plan.totalBytes, sampled: !readWhole, durationMilliseconds } },
    context,
  )
  return {
    app: reader.commit.app,
    point: plan.point,
    ok,
    bytesRead: plan.totalBytes,
    durationMilliseconds,
    artifacts,
    examined,
    ...(absent === undefined ? {} : { absent }),
  }
}

async function verifyArtifact(
  reader: PointReader,
  step: VerifyStep,
  context: OperationContext,
): Promise<VerifyReport['artifacts'][number]> {
  if (step.level === 'full')
    context.progress({ type: 'phase', phase: 'read', detail: `${step.component} ${step.role}` })
  const failure = await failureOf(
    () => (step.level === 'full' ? drain(readArtifact(reader, step.number, context)) : Promise.resolve()),
    context,
  )
  return { ...step, ok: failure === undefined, ...(failure === undefined ? {} : { failure }) }
}

async function examineAll(
  reader: PointReader,
  drivers: readonly Driver[],
  context: OperationContext,
): Promise<VerifyReport['examined']> {
  const examined: VerifyReport['examined'][number][] = []
  for (const component of reader.manifest.components) {
    const driver = drivers.find(({ kind }) => kind === component.kind)
    if (driver === undefined) continue
    context.progress({ type: 'phase', phase: 'examine', detail: component.name })
    const failure = await failureOf(() => examine(reader, component, driver, context), context)
    examined.push({
      component: component.name,
      ok: failure === undefined,
      ...(failure === undefined ? {} : { failure }),
    })
  }
  return examined
}

async function examine(
  reader: PointReader,
  component: ManifestComponent,
  driver: Driver,
  context: OperationContext,
): Promise<void> {
  await driver.examine(detailsOf(driver, component), sourceOf(reader, component, context), context)
}

async function failureOf(act: () => Promise<void>, context: OperationContext): Promise<FailureSummary | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    const failure = toFailure(error)
    if (!isAboutTheData(failure) || context.signal.aborted) throw failure
    return summarize(failure)
  }
}
