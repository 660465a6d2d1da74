import { isAboutTheData, toFailure, type Failure } from '../../core/failure.ts'
import { ofComponent } from '../../core/progress.ts'
import type { Driver } from '../../components/driver.ts'
import type { ManifestComponent, MissingComponent } from '../../repository/documents/documents.ts'
import type { PointCommit, PointReader, Repository } from '../../repository/repository.ts'
import type { OperationContext } from '../app.ts'
import { noteOf } from '../backup/note.ts'
import { summarize, type FailureSummary } from '../backup/report.ts'
import { openForProof } from '../proof/open-for-proof.ts'
import { recordVerdict, type Recorded } from '../proof/record-verdict.ts'
import { detailsOf, drain, readArtifact, sourceOf } from '../source.ts'
import { verifySteps, type VerifyStep } from './steps.ts'

export interface VerifyReport extends Recorded {
  readonly app: string
  readonly point: string
  readonly note?: string
  /** Whether all that was read is as it was written. A point may lack something all the same: `missing`. */
  readonly ok: boolean
  /** Stored bytes of artifacts that were read and decrypted, as far as it came with each. */
  readonly bytesRead: number
  readonly durationMilliseconds: number
  /** What keeps the point from being opened; nothing else was looked at then. */
  readonly failure?: FailureSummary
  /** Set when an artifact is not there or has another size. */
  readonly absent?: FailureSummary
  readonly artifacts: readonly (VerifyStep & { readonly ok: boolean; readonly failure?: FailureSummary })[]
  /** Archives that the real tool read whole, by component. */
  readonly examined: readonly { readonly component: string; readonly ok: boolean; readonly failure?: FailureSummary }[]
  /** What the backup could not capture, so that it is not in the point. */
  readonly missing: readonly MissingComponent[]
}

export interface VerifyOptions {
  /** The share of artifacts to read, from 0 to 1. */
  readonly sample: number
  readonly drivers: readonly Driver[]
}

type Looked = Omit<VerifyReport, 'app' | 'point' | 'note' | 'durationMilliseconds' | keyof Recorded>

/**
 * Presence first, then every byte decrypted and hashed, then each archive read by the real tool. Goes through all of
 * it even when something fails, so that the report names everything; leaves a signed proof either way. Fails, and proves
 * nothing, when no damage was found and something could not be looked at.
 */
export async function executeVerify(
  repository: Repository,
  about: PointCommit,
  options: VerifyOptions,
  context: OperationContext,
): Promise<VerifyReport> {
  const begun = context.clock.monotonic()
  const { point, app } = about.commit
  const { reader, damage } = await openForProof(repository, point, context)
  const looked = reader === undefined ? unopened(damage) : await lookAt(reader, options, context)
  const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
  const facts = { bytesRead: looked.bytesRead, sampled: !isWhole(looked), durationMilliseconds }
  const recorded = await recordVerdict(repository, about, 'verify', { ok: looked.ok, facts }, context)
  return { app, point, ...noteOf(about.commit), durationMilliseconds, ...looked, ...recorded }
}

function unopened(damage: Failure): Looked {
  return { ok: false, bytesRead: 0, failure: summarize(damage), artifacts: [], examined: [], missing: [] }
}

function isWhole({ artifacts, failure }: Pick<Looked, 'artifacts' | 'failure'>): boolean {
  return failure === undefined && artifacts.every(({ ok, level }) => ok && level === 'full')
}

async function lookAt(
  reader: PointReader,
  { sample, drivers }: VerifyOptions,
  context: OperationContext,
): Promise<Looked> {
  const findings = new Findings(context)
  context.progress({ type: 'phase', phase: 'presence' })
  const absent = await findings.of(() => reader.checkPresence(context))
  const artifacts: VerifyReport['artifacts'][number][] = []
  for (const step of verifySteps(reader, sample, context))
    artifacts.push({ ...step, ...outcomeOf(await readStep(reader, step, findings, context)) })
  const examined = isWhole({ artifacts }) ? await examineAll(reader, drivers, findings, context) : []
  findings.assertSomethingIsKnown()
  const { ok, bytesRead } = findings
  const { missing } = reader.manifest
  return { ok, bytesRead, artifacts, examined, missing, ...(absent === undefined ? {} : { absent }) }
}

/** What came up while a point was looked at: damage of it, and what could not be looked at. */
class Findings {
  bytesRead = 0
  ok = true
  #hindrance: Failure | undefined
  readonly #context: OperationContext

  constructor(context: OperationContext) {
    this.#context = context
  }

  async of(act: () => Promise<void>): Promise<FailureSummary | undefined> {
    try {
      await act()
      return undefined
    } catch (error) {
      const failure = toFailure(error)
      if (failure.kind === 'cancelled' || this.#context.signal.aborted) throw error
      if (isAboutTheData(failure)) this.ok = false
      else this.#hindrance ??= failure
      return summarize(failure)
    }
  }

  /** Damage counts whatever else failed. Without any, a part that nobody could look at leaves the rest unproven. */
  assertSomethingIsKnown(): void {
    if (this.ok && this.#hindrance !== undefined) throw this.#hindrance
  }
}

function outcomeOf(failure: FailureSummary | undefined): { readonly ok: boolean; readonly failure?: FailureSummary } {
  return failure === undefined ? { ok: true } : { ok: false, failure }
}

async function readStep(
  reader: PointReader,
  { level, component, role, number }: VerifyStep,
  findings: Findings,
  context: OperationContext,
): Promise<FailureSummary | undefined> {
  if (level !== 'full') return undefined
  context.progress({ type: 'phase', phase: 'read', component, detail: role })
  return findings.of(() => drain(readArtifact(reader, number, context, (bytes) => (findings.bytesRead += bytes))))
}

async function examineAll(
  reader: PointReader,
  drivers: readonly Driver[],
  findings: Findings,
  context: OperationContext,
): Promise<VerifyReport['examined']> {
  const examined: VerifyReport['examined'][number][] = []
  for (const component of reader.manifest.components) {
    const driver = drivers.find(({ kind }) => kind === component.kind)
    if (driver === undefined) continue
    context.progress({ type: 'phase', phase: 'examine', component: component.name })
    const failure = await findings.of(() => examine(reader, component, driver, context))
    examined.push({ component: component.name, ...outcomeOf(failure) })
  }
  return examined
}

async function examine(
  reader: PointReader,
  component: ManifestComponent,
  driver: Driver,
  context: OperationContext,
): Promise<void> {
  const about = ofComponent(context, component.name)
  await driver.examine(detailsOf(driver, component), sourceOf(reader, component, about), about)
}
