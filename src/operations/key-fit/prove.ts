import { KEY_MISFIT } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import { evaluateKeyFit } from '../../key-fit/evaluate.ts'
import { keyAdvice } from '../../key-fit/key-advice.ts'
import type { DeclaredFit } from '../../key-fit/schema.ts'
import type { KeyFitResult } from '../../key-fit/verdict.ts'
import type { EvidenceSource } from '../../key-fit/evidence-source.ts'
import { newFingerprintKey } from '../../repository/fingerprint-key.ts'
import type { ManifestComponent, MissingComponent } from '../../repository/documents/documents.ts'
import type { PointReader } from '../../repository/repository.ts'
import { componentNamed, type App, type OperationContext } from '../app.ts'
import type { ComponentRestore } from '../restore/targets.ts'
import { fingerprintKeyFrom } from './point-key.ts'
import { restoredWorld } from './evidence-sources.ts'

/** A verdict after a restore, with how the keys that are live now fare on the same data. */
export interface RestoredFit extends KeyFitResult {
  readonly live: Pick<KeyFitResult, 'verdict' | 'keys'>
}

/** All that is declared, one after the other. */
export async function proveAll(
  fits: readonly DeclaredFit[],
  world: EvidenceSource,
  context: OperationContext,
): Promise<readonly KeyFitResult[]> {
  const results: KeyFitResult[] = []
  for (const fit of fits) {
    context.progress({ type: 'phase', phase: 'key fit', detail: fit.name })
    results.push(await evaluateKeyFit(fit, world))
  }
  return results
}

/** Whether the keys open what was loaded. Changes nothing. */
export async function proveRestored(
  app: App,
  reader: PointReader,
  targets: readonly ComponentRestore[],
  context: OperationContext,
): Promise<readonly RestoredFit[]> {
  const fits = app.keyFit ?? []
  if (fits.length === 0) return []
  const stored = reader.manifest.keyFit?.fingerprintKey
  // A point from before key fit has no key of its own; this one lasts for the run, so that fingerprints can be compared.
  const fingerprintKey = stored === undefined ? newFingerprintKey() : fingerprintKeyFrom(stored)
  const world = restoredWorld(app, reader, targets, fingerprintKey, context)
  const results: RestoredFit[] = []
  for (const [index, result] of (await proveAll(fits, world, context)).entries()) {
    const fit = fits[index]
    if (fit !== undefined) results.push({ ...result, live: await liveOn(fit, result, world) })
  }
  return results
}

/** Where the captured keys do not fit, whether those that are live now do: what tells the operator which key is right. */
async function liveOn(fit: DeclaredFit, result: KeyFitResult, world: EvidenceSource): Promise<RestoredFit['live']> {
  if (!isMisfit(result) && result.verdict !== 'absent') return { verdict: 'not-provable', keys: [] }
  const { verdict, keys } = await evaluateKeyFit(fit, { ...world, secret: (...place) => world.liveSecret(...place) })
  return { verdict, keys }
}

const MISFITS: readonly KeyFitResult['verdict'][] = ['does-not-fit', 'mixed', 'corrupt']

function isMisfit({ verdict }: Pick<KeyFitResult, 'verdict'>): boolean {
  return MISFITS.includes(verdict)
}

/** Keys that are demanded and are not there. */
function absentKeys({ required, keys }: Pick<KeyFitResult, 'required' | 'keys'>): readonly string[] {
  return required ? keys.filter(({ fingerprint }) => fingerprint === null).map(({ name }) => name) : []
}

/** A key that is not demanded may be absent, and nothing to prove it on is no fault of the point. */
export function isGoodFit(fit: RestoredFit): boolean {
  return !isMisfit(fit) && absentKeys(fit).length === 0
}

/** Stops a restore before anything live was touched, unless the operator named the key fit to go on without. */
export function refuseMisfits(app: string, fits: readonly RestoredFit[], accepted: readonly string[]): void {
  for (const fit of fits) {
    if (accepted.includes(fit.name)) continue
    if (isMisfit(fit)) throw misfitFailure(app, fit)
    const [absent] = absentKeys(fit)
    if (absent !== undefined) throw absentFailure(app, fit, absent)
  }
}

/**
 * In place there is nothing beside to prove keys on before the live data is overwritten. What the backup found out is
 * known before, where all the keys come from the point.
 */
export function refuseRecorded(
  app: string,
  reader: PointReader,
  targets: readonly Pick<ComponentRestore, 'name'>[],
  accepted: readonly string[],
): void {
  const restored = new Set(targets.map(({ name }) => name))
  for (const result of reader.manifest.keyFit?.results ?? []) {
    if (accepted.includes(result.name) || !isMisfit(result)) continue
    if (result.keys.every(({ component }) => restored.has(component)))
      throw misfitFailure(app, { ...result, live: { verdict: 'not-provable', keys: [] } })
  }
}

const SAYING = {
  'does-not-fit': 'does not open the restored data',
  mixed: 'opens only a part of the restored data',
  corrupt: 'cannot be proven, because what it should open is damaged',
} as const

function misfitFailure(app: string, fit: RestoredFit): Failure {
  const { name, verdict, keys, evidence, live } = fit
  const named = keys.map((key) => {
    const other = live.keys.find((one) => one.name === key.name)?.fingerprint ?? 'none'
    return `${key.name} (captured ${key.fingerprint ?? 'none'}, live ${other})`
  })
  // Only the three misfits come here.
  const saying = SAYING[verdict as keyof typeof SAYING]
  return new Failure('refused', `key ${named.join(', ')} of app ${app} ${saying}: ${evidence.join('; ')}`, {
    hint: `${adviceOn(fit)} ${live.verdict === 'fits' ? 'The live key fits: restore without the component that holds the captured one, with --component. ' : ''}To go on nevertheless, add --accept ${KEY_MISFIT}${name}.`,
    facts: { keyFit: name, verdict, liveVerdict: live.verdict, accept: `${KEY_MISFIT}${name}` },
  })
}

function adviceOn({ live, ...captured }: RestoredFit): string {
  const host = live.keys.length === 0 ? undefined : { where: 'on this host', ...live }
  return keyAdvice({ where: 'in the point', ...captured }, host) ?? 'Look for the key in an older restore point.'
}

function absentFailure(app: string, { name, evidence }: RestoredFit, key: string): Failure {
  return new Failure('refused', `key ${key} of app ${app} is neither restored nor live: ${evidence.join('; ')}`, {
    hint: `Without it the restored data cannot be read. Put it where the configuration says, or add --accept ${KEY_MISFIT}${name}.`,
    facts: { keyFit: name, accept: `${KEY_MISFIT}${name}` },
  })
}

/** What a point lacks by its keys: it is incomplete, and a component that is there may be named. */
export function lackingKeys(
  app: App,
  results: readonly KeyFitResult[],
  captured: readonly Pick<ManifestComponent, 'name'>[],
): readonly MissingComponent[] {
  return results.flatMap((result) => {
    const absent = absentKeys(result)
    if (!result.required || (absent.length === 0 && !isMisfit(result))) return []
    const wanted = result.keys.find(({ name }) => absent.includes(name)) ?? result.keys[0]
    const name = wanted?.component ?? captured[0]?.name ?? app.name
    const kind = componentNamed(app, name)?.driver.kind ?? 'secrets'
    const what = absent.length > 0 ? `key ${absent.join(', ')} is not in the point` : `the keys are ${result.verdict}`
    return [{ name, kind, reason: `key fit ${result.name}: ${what}` }]
  })
}

/** A restore brings the data back, and the app looks for files that nobody brought. */
export function outsideFindings({ name, outside = [] }: KeyFitResult): readonly Finding[] {
  return outside.map((path) => ({
    level: 'warning',
    subject: `key fit ${name}`,
    message: `the app's data names ${path}, which is in no component`,
    hint: `Add a component of kind files or secrets that holds it. If it is kept otherwise, name it under elsewhere of this key fit, with the reason.`,
  }))
}

/** What a backup says about keys that are not demanded, about verdicts that are no proof, and what it did not look at. */
export function keyFindings(results: readonly KeyFitResult[], remarks: readonly string[]): readonly Finding[] {
  const cut = remarks.map((message): Finding => ({ level: 'warning', subject: 'key fit', message }))
  const said = results.flatMap(({ name, verdict, evidence, required }): Finding[] => {
    if (verdict === 'fits') return []
    const level = isMisfit({ verdict }) && required ? 'error' : 'warning'
    return [{ level, subject: `key fit ${name}`, message: `${verdict}: ${evidence.join('; ')}` }]
  })
  return [...said, ...results.flatMap(outsideFindings), ...cut]
}
