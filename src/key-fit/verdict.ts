/**
 * - `fits`: the data itself proves that the keys open it.
 * - `does-not-fit`: they open nothing of what they should.
 * - `mixed`: they open a part; the rest is under other keys.
 * - `corrupt`: what should be opened or compared is not what the app writes.
 * - `absent`: a key that was declared is not there. Whatever else was proven proves nothing of it.
 * - `not-provable`: there is nothing that could prove it either way; the evidence says what there is.
 */
const verdicts = ['fits', 'does-not-fit', 'mixed', 'corrupt', 'absent', 'not-provable'] as const
export type Verdict = (typeof verdicts)[number]

export interface KeyFitResult {
  readonly name: string
  readonly required: boolean
  readonly verdict: Verdict
  /** In words, without any value. */
  readonly evidence: readonly string[]
  readonly keys: readonly KeyReport[]
  /** What is to be the same after a restore; there when the declaration has such proofs. */
  readonly stable?: readonly StableReport[] | undefined
  /** Files that the data names and that are in no component; there when there are some. */
  readonly outside?: readonly string[] | undefined
}

/** Of the first `rows` rows. */
export interface StableReport {
  readonly about: string
  readonly rows: number
  /** Keyed by the restore point. */
  readonly fingerprint: string
}

export interface KeyReport {
  readonly name: string
  readonly component: string
  readonly secret: string
  /** Keyed by the restore point; null when there is no such secret. */
  readonly fingerprint: string | null
}

/** What one row says. */
export type Judgement = {
  /** For example the id of the key that the row is under, or the layout that opened it. */
  readonly group: string
  readonly says: 'fits' | 'misfits' | 'corrupt' | 'weak' | 'nothing'
  readonly why?: string
}

const NOTES = 5
const GROUPS = 50
const NAME_LENGTH = 64

/** Counts what rows say, without keeping them. */
export class Tally {
  readonly counts = { fits: 0, misfits: 0, corrupt: 0, weak: 0, nothing: 0 }
  readonly #groups = new Map<
    string,
    { fits: number; misfits: number; corrupt: number; weak: number; nothing: number }
  >()
  readonly #whys = new Set<string>()

  add({ group: named, says, why }: Judgement): void {
    // Names of groups are data: there may be any number of them, of any length.
    const short = named.slice(0, NAME_LENGTH)
    const group = this.#groups.has(short) || this.#groups.size < GROUPS ? short : 'all others'
    const counted = this.#groups.get(group) ?? { fits: 0, misfits: 0, corrupt: 0, weak: 0, nothing: 0 }
    this.#groups.set(group, counted)
    counted[says] += 1
    this.counts[says] += 1
    if (why !== undefined && this.#whys.size < NOTES) this.#whys.add(why)
  }

  get groups(): readonly string[] {
    return [...this.#groups.keys()]
  }

  /** Groups that were proven, whichever way. */
  get provenGroups(): readonly string[] {
    return [...this.#groups].filter(([, { fits, misfits }]) => fits + misfits > 0).map(([group]) => group)
  }

  words(about: string): readonly string[] {
    if (this.#groups.size === 0) return [`${about}: no rows`]
    const groups = [...this.#groups].map(
      ([group, counts]) => `${about}${group === '' ? '' : `, ${group}`}: ${wordsOf(counts)}`,
    )
    return [...groups, ...this.#whys]
  }
}

function wordsOf(counts: Tally['counts']): string {
  const { fits, misfits, corrupt, weak, nothing } = counts
  const said = [
    fits > 0 ? `${fits} fit` : '',
    misfits > 0 ? `${misfits} do not fit` : '',
    corrupt > 0 ? `${corrupt} damaged` : '',
    weak > 0 ? `${weak} look right, which proves nothing` : '',
    nothing > 0 ? `${nothing} say nothing` : '',
  ].filter((text) => text !== '')
  return said.join(', ')
}

/** What proofs found, next to whether a key was there to be proven at all. */
export function withAbsent(verdict: Verdict, keys: readonly Pick<KeyReport, 'fingerprint'>[]): Verdict {
  const isAbsent = keys.some(({ fingerprint }) => fingerprint === null)
  return isAbsent && (verdict === 'fits' || verdict === 'not-provable') ? 'absent' : verdict
}

/** One verdict of all proofs: nothing damaged or under another key may hide behind what fits. */
export function verdictOf(tallies: readonly Tally[]): Verdict {
  const sum = (what: keyof Tally['counts']): number => tallies.reduce((total, { counts }) => total + counts[what], 0)
  if (sum('misfits') > 0) return sum('fits') > 0 ? 'mixed' : 'does-not-fit'
  if (sum('corrupt') > 0) return 'corrupt'
  return sum('fits') > 0 ? 'fits' : 'not-provable'
}
