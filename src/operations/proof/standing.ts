import type { Commit, Proof, ProofKind } from '../../repository/documents/documents.ts'

/** What the proofs about a point say of it today. */
export interface Standing {
  /** The drill or verify that failed and that nothing as thorough has passed since. */
  readonly failed: Proof | undefined
  /** The newest drill that brought all of the app back. */
  readonly restored: Proof | undefined
  /** The newest drill that brought back all that an incomplete point holds. */
  readonly restoredInPart: Proof | undefined
}

/**
 * A failed drill stays until a later drill passes: a verify restores nothing. A failed verify stays until a later drill
 * passes, or a verify that read everything, as a sample may have passed over the damage.
 */
export function standingOf(commit: Pick<Commit, 'complete'>, proofs: readonly Proof[]): Standing {
  const drills = proofs.filter(({ kind }) => kind === 'drill')
  const passed = drills.filter(isPassed)
  const drill = latestProof(drills, ['drill'])
  const whole = proofs.filter((proof) => !isPassed(proof) || proof.kind === 'drill' || proof.facts['sampled'] !== true)
  const last = latestProof(whole, ['verify', 'drill'])
  return {
    failed: [drill, last].find((proof) => proof !== undefined && !isPassed(proof)),
    // Older versions signed a drill of an incomplete point as a good one.
    restored: commit.complete
      ? latestProof(
          passed.filter(({ ok }) => ok),
          ['drill'],
        )
      : undefined,
    restoredInPart: latestProof(commit.complete ? passed.filter(({ ok }) => !ok) : passed, ['drill']),
  }
}

/** Whether all went well that could: also a drill of an incomplete point that brought back all it holds. */
export function isPassed({ ok, kind, facts }: Proof): boolean {
  return ok || (kind === 'drill' && facts['inPart'] === true)
}

/** The newest proof of these kinds. Of two from one moment the failed one counts. */
export function latestProof(proofs: readonly Proof[], kinds: readonly ProofKind[]): Proof | undefined {
  return proofs
    .filter(({ kind }) => kinds.includes(kind))
    .reduce<Proof | undefined>(
      (latest, proof) => (latest === undefined || outranks(proof, latest) ? proof : latest),
      undefined,
    )
}

function outranks(proof: Proof, other: Proof): boolean {
  const difference = Date.parse(proof.created) - Date.parse(other.created)
  return difference > 0 || (difference === 0 && !isPassed(proof))
}
