import type { KeyFitResult, Verdict } from './verdict.ts'

/** A key and how it fares, and where it is: `on this host`, `in restore point 01a2…`. */
export interface KeySide {
  readonly where: string
  readonly verdict: Verdict
  readonly keys: readonly Pick<KeyFitResult['keys'][number], 'name' | 'fingerprint'>[]
}

/**
 * Which of two keys is the wrong one, as full sentences. Both sides must have their fingerprints under one key. Undefined
 * where the first side fits, or nothing is known of the other.
 */
export function keyAdvice(wrong: KeySide, other: KeySide | undefined): string | undefined {
  if (!isBad(wrong.verdict) || other === undefined) return undefined
  const same = wrong.keys.every(({ name, fingerprint }) => fingerprint === fingerprintOf(other, name))
  const shown = `${sideOf(wrong)}; ${sideOf(other)}.`
  if (same && other.verdict === 'fits')
    return `The key is the same in both places, and the data is under another one now. ${shown}`
  if (same && wrong.verdict === 'absent' && other.verdict === 'absent')
    return `The key is in neither place: look for it in another restore point, with holdfast show. ${shown}`
  if (same)
    return `The key is the same in both places, and wrong in both: look for it in an older restore point. ${shown}`
  if (other.verdict === 'fits')
    return `The key ${wrong.where} is ${wrong.verdict === 'absent' ? 'missing' : 'wrong'}, and the one ${other.where} is right. ${shown}`
  if (isBad(other.verdict)) return `Neither key is right: look for it in an older restore point. ${shown}`
  return `The keys differ, and nothing proves the one ${other.where}. ${shown}`
}

function isBad(verdict: Verdict): boolean {
  return verdict !== 'fits' && verdict !== 'not-provable'
}

function fingerprintOf({ keys }: KeySide, name: string): string | null {
  return keys.find((key) => key.name === name)?.fingerprint ?? null
}

function sideOf({ where, keys }: KeySide): string {
  const shown = keys.map(({ name, fingerprint }) => `${name} ${fingerprint ?? 'absent'}`)
  return `${where[0]?.toUpperCase() ?? ''}${where.slice(1)}: ${shown.join(', ')}`
}
