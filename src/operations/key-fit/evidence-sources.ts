import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import type { EvidenceSource, Row } from '../../key-fit/evidence-source.ts'
import type { PointReader } from '../../repository/repository.ts'
import { componentNamed, type App, type OperationContext } from '../app.ts'
import type { ComponentOutcome } from '../backup/report.ts'
import type { ComponentRestore } from '../restore/targets.ts'
import { detailsOf, sourceOf } from '../source.ts'
import type { BackupEvidence } from './evidence.ts'
import { fingerprintUnder } from './point-key.ts'

/** The world of a backup: what was captured, as it was captured. */
export function backupWorld(
  app: App,
  { evidence, components, fingerprintKey }: Captured,
  context: OperationContext,
): EvidenceSource {
  const live = liveSecrets(app, context)
  const { pageCookie, signal } = context
  const isCaptured = (component: string): boolean =>
    components.some(({ name, outcome }) => name === component && outcome === 'captured')
  return {
    // A kind that hands over nothing while it is captured is read once more: almost, and not quite, what the point holds.
    secret: async (component, name) =>
      evidence.secret(component, name) ?? (isCaptured(component) ? await live(component, name) : undefined),
    liveSecret: live,
    rows: (component, { sql }) => takenRows(evidence, component, sql),
    holdsFile: holderOf(app),
    ...(pageCookie === undefined ? {} : { cookie: (page, name) => pageCookie(page, name, signal) }),
    fingerprint: fingerprintUnder(fingerprintKey),
    signal: context.signal,
  }
}

interface Captured {
  readonly evidence: BackupEvidence
  readonly components: readonly Pick<ComponentOutcome, 'name' | 'outcome'>[]
  readonly fingerprintKey: Secret
}

/** The world as it is: live keys, and rows of the live data. */
export function liveWorld(app: App, fingerprintKey: Secret, context: OperationContext): EvidenceSource {
  const live = liveSecrets(app, context)
  const { pageCookie, signal } = context
  return {
    secret: live,
    liveSecret: live,
    rows: (component, query) => {
      const found = componentNamed(app, component)
      const rows = found?.driver.liveRows?.(found.settings, query, context)
      if (rows === undefined) throw new Failure('notFound', `component ${component} gives no rows of what is live`)
      return rows
    },
    ...(pageCookie === undefined ? {} : { cookie: (page, name) => pageCookie(page, name, signal) }),
    holdsFile: holderOf(app),
    fingerprint: fingerprintUnder(fingerprintKey),
    signal,
  }
}

function holderOf(app: App): NonNullable<EvidenceSource['holdsFile']> {
  return async (path) => {
    const asked = app.components.map(
      ({ driver, settings }) => driver.holdsFile?.(settings, path) ?? Promise.resolve(false),
    )
    return (await Promise.all(asked)).includes(true)
  }
}

async function* takenRows(evidence: BackupEvidence, component: string, sql: string): AsyncGenerator<Row> {
  const taken = evidence.rows(component, sql)
  if (taken === undefined) throw new Failure('notFound', `component ${component} gave no rows`)
  if (taken.rows === undefined) throw taken.failure
  for (const row of taken.rows) yield await Promise.resolve(row)
}

/**
 * The world after a restore: rows of what was loaded, and the keys that will be there with it. That is the captured key
 * where its component is restored, and the live one where it is left as it is.
 */
export function restoredWorld(
  app: App,
  reader: PointReader,
  targets: readonly ComponentRestore[],
  fingerprintKey: Secret,
  context: OperationContext,
): EvidenceSource {
  const live = liveSecrets(app, context)
  return {
    secret: async (component, name) =>
      targets.some((target) => target.name === component)
        ? await capturedSecret(app, reader, component, name, context)
        : await live(component, name),
    liveSecret: live,
    rows: (component, query) => {
      const target = targets.find(({ name }) => name === component)?.target
      if (target?.rows === undefined)
        throw new Failure('notFound', `component ${component} is not restored, or has no rows`)
      return target.rows(query, context)
    },
    recorded: (fit) => reader.manifest.keyFit?.results.find(({ name }) => name === fit),
    fingerprint: fingerprintUnder(fingerprintKey),
    signal: context.signal,
  }
}

async function capturedSecret(
  app: App,
  reader: PointReader,
  component: string,
  name: string,
  context: OperationContext,
): Promise<Secret | undefined> {
  const captured = reader.manifest.components.find((one) => one.name === component)
  const driver = componentNamed(app, component)?.driver
  if (captured === undefined || driver?.secrets === undefined) return undefined
  const details = detailsOf(driver, captured)
  return await driver.secrets.captured(details, sourceOf(reader, captured, context), name, context)
}

function liveSecrets(app: App, context: OperationContext): EvidenceSource['liveSecret'] {
  return async (component, name) => {
    const found = componentNamed(app, component)
    return await found?.driver.secrets?.live(found.settings, name, context)
  }
}
