import { throwIfCancelled } from '../../core/cancelled.ts'
import { isFailure, Failure, toFailure } from '../../core/failure.ts'
import { isWrongPassword } from '../../repository/keys/wrong-password.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { SecretFingerprint } from '../../components/evidence.ts'
import type { ManifestKeyFit } from '../../repository/documents/documents.ts'
import { componentNamed, type App, type OperationContext } from '../app.ts'
import { summarize, type FailureSummary } from '../backup/report.ts'
import { openPoint } from '../source.ts'
import { findPoint, parsePointChoice, type FoundPoint } from './find-point.ts'
import { summaryOf, type PointSummary } from './list-points.ts'

export interface ShowReport {
  readonly summary: PointSummary
  readonly software: string
  readonly signer: string
  /** Whether the content could be read; if not, components are empty. */
  readonly opened: boolean
  /** Why not, where it is not only that no private key at hand opens it. */
  readonly failure?: FailureSummary
  readonly components: readonly {
    readonly name: string
    readonly kind: string
    readonly notCaptured: readonly string[]
    /** What the settings left out. */
    readonly onPurpose: readonly string[]
    /** Of components that hold secrets. Fingerprints tell nobody a value. */
    readonly secrets: readonly SecretFingerprint[]
    readonly artifacts: readonly {
      readonly role: string
      readonly plainSize: number
      readonly size: number
      readonly sha256: string
    }[]
  }[]
  /** What the backup found out about keys. */
  readonly keyFit: readonly ManifestKeyFit['results'][number][]
  readonly missing: readonly { readonly name: string; readonly kind: string; readonly reason: string }[]
  readonly proofs: readonly {
    readonly kind: string
    readonly created: string
    readonly ok: boolean
    readonly facts: Readonly<Record<string, unknown>>
  }[]
}

/** Everything about one point: what is public whatever happens, what is encrypted only where it can be opened. */
export async function showPoint(
  apps: readonly App[],
  choice: string,
  app: string | undefined,
  context: OperationContext,
): Promise<ShowReport> {
  const found = await findInApps(apps, choice, app, context)
  const { reader, failure } = await openIfPossible(found, context)
  const { point } = found
  return {
    summary: summaryOf(point, found.repositoryName),
    software: point.commit.software,
    signer: point.signer,
    opened: reader !== undefined,
    ...(failure === undefined ? {} : { failure }),
    components:
      reader?.manifest.components.map(({ name, kind, notCaptured, onPurpose = [], artifacts, details }) => ({
        name,
        kind,
        notCaptured,
        onPurpose,
        secrets: fingerprintsOf(apps, reader.manifest.app, name, details),
        artifacts,
      })) ?? [],
    keyFit: reader?.manifest.keyFit?.results ?? [],
    missing: reader?.manifest.missing ?? [],
    proofs: point.proofs.map(({ kind, created, ok, facts }) => ({ kind, created, ok, facts })),
  }
}

/** None where the configuration has no such component any more: then nobody knows how to read its details. */
function fingerprintsOf(
  apps: readonly App[],
  app: string,
  component: string,
  details: unknown,
): readonly SecretFingerprint[] {
  const found = apps.find(({ name }) => name === app)
  const driver = found === undefined ? undefined : componentNamed(found, component)?.driver
  const parsed = driver?.details.safeParse(details)
  return parsed?.success === true ? (driver?.secrets?.fingerprints?.(parsed.data) ?? []) : []
}

/** Looks through the apps for a point; `latest` and times need an app when there are several. */
export async function findInApps(
  apps: readonly App[],
  choice: string,
  name: string | undefined,
  context: OperationContext,
): Promise<FoundPoint> {
  const candidates = name === undefined ? apps : apps.filter((app) => app.name === name)
  const parsed = parsePointChoice(choice)
  if (!('id' in parsed) && candidates.length > 1)
    throw new Failure('usage', `${choice} of which app?`, {
      hint: `Add --app with one of: ${apps.map((app) => app.name).join(', ')}.`,
    })
  let missing: unknown
  for (const app of candidates) {
    try {
      return await findPoint(app, parsed, context)
    } catch (error) {
      if (!isFailure(error, 'notFound')) throw error
      missing = error
    }
  }
  throw missing ?? new Failure('notFound', `no app ${JSON.stringify(name)} in the configuration`)
}

interface Opened {
  readonly reader?: PointReader
  readonly failure?: FailureSummary
}

async function openIfPossible(found: FoundPoint, context: OperationContext): Promise<Opened> {
  try {
    return { reader: await openPoint(found.repository, found.point.point, context) }
  } catch (error) {
    throwIfCancelled(error, context.signal)
    const failure = toFailure(error)
    if (failure.kind === 'bug') throw error
    return isForOthers(failure) ? {} : { failure: summarize(failure) }
  }
}

/** To have no private key for it is no fault; a wrong password, or a file that may not be read, is one. */
function isForOthers(failure: Failure): boolean {
  if (failure.kind === 'usage') return true
  return failure.kind === 'denied' && failure.facts['code'] === undefined && !isWrongPassword(failure)
}
