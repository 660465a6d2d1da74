import type { Finding } from '../../core/restore-point.ts'
import { keyAdvice, type KeySide } from '../../key-fit/key-advice.ts'
import type { KeyFitResult, Verdict } from '../../key-fit/verdict.ts'
import { newFingerprintKey } from '../../repository/fingerprint-key.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { fingerprintKeyFrom } from '../key-fit/point-key.ts'
import { outsideFindings, proveAll } from '../key-fit/prove.ts'
import { liveWorld } from '../key-fit/evidence-sources.ts'

/**
 * Whether the keys of this host open what is live, and where they do not, whether it is the host or the newest point that has
 * the right ones. `newest` is a point of the app that was opened; without it nothing is compared.
 */
export async function checkKeyFit(
  app: App,
  newest: PointReader | undefined,
  context: OperationContext,
): Promise<readonly Finding[]> {
  const fits = app.keyFit ?? []
  if (fits.length === 0) return []
  const stored = newest?.manifest.keyFit?.fingerprintKey
  const fingerprintKey =
    stored === undefined
      ? ((await context.fingerprintKey?.(app.name)) ?? newFingerprintKey())
      : fingerprintKeyFrom(stored)
  const results = await proveAll(fits, liveWorld(app, fingerprintKey, context), context)
  return results.flatMap((result) => [findingOf(result, recordedIn(newest, result.name)), ...outsideFindings(result)])
}

function recordedIn(newest: PointReader | undefined, name: string): KeySide | undefined {
  const recorded = newest?.manifest.keyFit?.results.find((one) => one.name === name)
  if (newest === undefined || recorded === undefined) return undefined
  return { where: `in restore point ${newest.commit.point}`, verdict: recorded.verdict, keys: recorded.keys }
}

const LEVELS: Readonly<Record<Verdict, Finding['level']>> = {
  fits: 'ok',
  'does-not-fit': 'error',
  mixed: 'error',
  corrupt: 'error',
  absent: 'error',
  'not-provable': 'untested',
}

function findingOf(result: KeyFitResult, recorded: KeySide | undefined): Finding {
  const { name, verdict, keys, evidence, required } = result
  const here = { where: 'on this host', verdict, keys }
  const hint = keyAdvice(here, recorded) ?? (recorded === undefined ? undefined : keyAdvice(recorded, here))
  const level = LEVELS[verdict]
  const shown = keys.map((key) => `${key.name} ${key.fingerprint ?? 'absent'}`).join(', ')
  return {
    level: level === 'error' && !required ? 'warning' : level,
    subject: `key fit ${name}`,
    message: `${verdict} (${shown}): ${evidence.join('; ')}`,
    ...(hint === undefined ? {} : { hint }),
  }
}
