import { availableParallelism } from 'node:os'
import { pMapIterable } from 'p-map'
import { describe, isFailure } from '../core/failure.ts'
import { secretOfBytes } from '../core/texts/secret-bytes.ts'
import { findOutside } from './outside-files.ts'
import { proveCertificate } from './certificates.ts'
import { judge, type RowProof } from './proofs.ts'
import { proveCookie, proveStable, type Shown } from './later.ts'
import { KeySet, reportKeys, secretPlaces, variableOf } from './keys.ts'
import type { DeclaredFit, Proof } from './schema.ts'
import { Tally, verdictOf, withAbsent, type KeyFitResult, type StableReport, type Verdict } from './verdict.ts'
import type { EvidenceSource } from './evidence-source.ts'

/** Rows that are judged at once: keys are derived by threads, of which there are four, and two for each core. */
const AT_ONCE = Math.max(4, availableParallelism())

/** Whether the keys open the data. Only a cancelled run fails; whatever else goes wrong is evidence. */
export async function evaluateKeyFit(fit: DeclaredFit, world: EvidenceSource): Promise<KeyFitResult> {
  const keys = await reportKeys(fit, world)
  const { verdict: proven, evidence, stable, outside } = await prove(fit, new KeySet(fit, world), world)
  const verdict = withAbsent(proven, keys)
  const remarks = verdict === 'fits' ? [] : await newlineRemarks(fit, world)
  const { name, required } = fit
  return {
    name,
    required,
    verdict,
    evidence: [...evidence, ...remarks],
    keys,
    ...(stable.length === 0 ? {} : { stable }),
    ...(outside.length === 0 ? {} : { outside }),
  }
}

interface Proven {
  readonly verdict: Verdict
  readonly evidence: readonly string[]
  readonly stable: readonly StableReport[]
  readonly outside: readonly string[]
}

async function prove(fit: DeclaredFit, keys: KeySet, world: EvidenceSource): Promise<Proven> {
  const wrong = await wrongKeys(fit, keys)
  const tallies: Tally[] = []
  const evidence: string[] = [...wrong]
  const unseen: Unseen[] = []
  const stable: StableReport[] = []
  const outside = new Set<string>()
  for (const proof of fit.proofs) {
    world.signal.throwIfAborted()
    const proven = await attempt({ proof, fit, keys, world })
    tallies.push(proven.tally)
    evidence.push(...proven.evidence)
    if (proven.unseen !== undefined) unseen.push({ about: proof.about, why: proven.unseen })
    if (proven.stable !== undefined) stable.push(proven.stable)
    for (const path of proven.outside ?? []) outside.add(path)
  }
  evidence.push(...unseenWords(unseen), ...(await unprovenKeys(fit, keys, tallies)))
  const verdict = verdictOf([...keys.tallies, ...tallies])
  return {
    verdict: wrong.length > 0 && verdict === 'not-provable' ? 'does-not-fit' : verdict,
    evidence: [...keys.evidence, ...evidence],
    stable,
    outside: [...outside],
  }
}

interface Unseen {
  readonly about: string
  readonly why: string
}

/** One line a reason: a server that is away is one fact, however many proofs needed it. */
function unseenWords(unseen: readonly Unseen[]): string[] {
  return [...Map.groupBy(unseen, ({ why }) => why)].map(
    ([why, alike]) => `${alike.map(({ about }) => about).join('; ')}: cannot be looked at: ${why}`,
  )
}

const NAMED = 20

/** Keys of rings that no row stands for. An unauthenticated cipher unwraps them under any key. */
async function unprovenKeys(fit: DeclaredFit, keys: KeySet, tallies: readonly Tally[]): Promise<readonly string[]> {
  const said: string[] = []
  const proven = new Set(tallies.flatMap(({ provenGroups }) => provenGroups))
  for (const [name, { kind }] of Object.entries(fit.keys)) {
    if (kind !== 'ring') continue
    // Where no proof had a row for it, nobody has read it yet; how that fails was said by the proof that needed it.
    await keys.get(name).catch((error: unknown) => said.push(`${name}: cannot be looked at: ${describe(error)}`))
    const unproven = (keys.rings.get(name) ?? []).filter((id) => !proven.has(id))
    if (unproven.length > 0) said.push(`${name}: unwrapped, and nothing proves ${unproven.slice(0, NAMED).join(', ')}`)
  }
  return said
}

/** A key that cannot be one does not fit, even where nothing is there to prove it on; one that is absent is said. */
async function wrongKeys(fit: DeclaredFit, keys: KeySet): Promise<readonly string[]> {
  const said: string[] = []
  for (const name of Object.keys(fit.keys)) {
    if (fit.keys[name]?.kind === 'ring') continue
    const key = await keys.get(name)
    if (key.state === 'wrong') said.push(key.why)
    if (key.state === 'absent') keys.evidence.push(key.why)
  }
  return said
}

interface ProofTask {
  readonly proof: Proof
  readonly fit: DeclaredFit
  readonly keys: KeySet
  readonly world: EvidenceSource
}

async function attempt(task: ProofTask): Promise<Shown> {
  const { world } = task
  try {
    return await proveOne(task)
  } catch (error) {
    if (world.signal.aborted || isFailure(error, 'cancelled') || isFailure(error, 'bug')) throw error
    return { tally: new Tally(), evidence: [], unseen: describe(error) }
  }
}

async function proveOne({ proof, fit, keys, world }: ProofTask): Promise<Shown> {
  if (proof.kind === 'certificate') return await proveCertificate(proof, keys, world)
  if (proof.kind === 'live') return { tally: new Tally(), evidence: [await compareLive(proof, keys, world)] }
  const recorded = world.recorded?.(fit.name)
  if (proof.kind === 'cookie') return await proveCookie(proof, { keys, recorded, world })
  if (proof.kind === 'stable') return await proveStable(proof, { recorded, world })
  if (proof.kind === 'files') return await findOutside(proof, fit.elsewhere, keys, world)
  return await proveRows(proof, keys, world)
}

async function proveRows(proof: RowProof, keys: KeySet, world: EvidenceSource): Promise<Shown> {
  const tally = new Tally()
  const { component, limit } = proof.rows
  const judged = pMapIterable(world.rows(component, proof.rows), (row) => judge(proof, row, keys), {
    concurrency: AT_ONCE,
  })
  let rows = 0
  for await (const judgement of judged) {
    world.signal.throwIfAborted()
    rows += 1
    tally.add(judgement)
  }
  const cut = rows >= limit ? [`${proof.about}: only the first ${limit} rows were looked at`] : []
  return { tally, evidence: [...tally.words(proof.about), ...cut] }
}

/** That the captured key is the live one is evidence, and no proof: both may be wrong. */
async function compareLive(
  { about, key }: Extract<Proof, { kind: 'live' }>,
  keys: KeySet,
  world: EvidenceSource,
): Promise<string> {
  const place = keys.placeOf(key)
  const { component, secret } = place
  const captured = variableOf(await world.secret(component, secret), place)
  const live = variableOf(await world.liveSecret(component, secret), place)
  if (captured === undefined || live === undefined) return `${about}: cannot be compared from here`
  const [one, other] = [captured, live].map((bytes) => world.fingerprint(secretOfBytes(bytes)))
  return `${about}: ${one === other ? `yes, both have fingerprint ${one}` : `no, captured ${one}, live ${other}`}`
}

/** A line break that somebody's editor or echo added is the most common reason why a right key does not fit. */
async function newlineRemarks(fit: DeclaredFit, world: EvidenceSource): Promise<readonly string[]> {
  const ending: string[] = []
  for (const { name, place } of secretPlaces(fit))
    if (variableOf(await world.secret(place.component, place.secret), place)?.at(-1) === 10) ending.push(name)
  if (ending.length === 0) return []
  const { verdict } = await prove(fit, new KeySet(fit, world, true), world)
  const without = verdict === 'fits' ? ', and fits without it' : ''
  return ending.map((name) => `key ${name} ends with a line break${without}`)
}
