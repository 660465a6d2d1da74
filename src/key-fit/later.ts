import { createHash } from 'node:crypto'
import { Failure } from '../core/failure.ts'
import { bytesOfSecret, secretOfBytes } from '../core/texts/secret-bytes.ts'
import { filled, judgeJwt } from './proofs.ts'
import { variableOf, type KeySet } from './keys.ts'
import type { Proof } from './schema.ts'
import { Tally, type StableReport } from './verdict.ts'
import type { EvidenceSource, RecordedFit } from './evidence-source.ts'

/** What is seen while a backup runs, and compared with that afterwards. */
export interface Shown {
  readonly tally: Tally
  readonly evidence: readonly string[]
  /** Why it could not be looked at. */
  readonly unseen?: string
  readonly stable?: StableReport
  readonly outside?: readonly string[]
}

interface Seeing {
  readonly keys: KeySet
  /** Undefined while a backup runs, and for a point that has nothing of it. */
  readonly recorded: RecordedFit | undefined
  readonly world: EvidenceSource
}

/** Whether the running app has the key, by what it signs. */
export async function proveCookie(
  proof: Extract<Proof, { kind: 'cookie' }>,
  { keys, recorded, world }: Seeing,
): Promise<Shown> {
  const { about, key, page, cookie } = proof
  if (world.recorded !== undefined) return await sinceBackup(proof, { keys, recorded, world })
  if (world.cookie === undefined) throw new Failure('notFound', 'the running app cannot be asked from here')
  const value = await world.cookie(page, cookie)
  if (value === undefined) throw new Failure('notFound', `${page} gives no cookie ${cookie}`)
  const held = await keys.get(key)
  const tally = new Tally()
  if (held.state === 'there') tally.add(judgeJwt(bytesOfSecret(value).toString('latin1'), held.bytes, undefined))
  return { tally, evidence: held.state === 'there' ? tally.words(about) : [`${about}: there is no key`] }
}

/** A key that the running app did not have at the backup has not become the right one since. */
async function sinceBackup(
  { about, key }: Extract<Proof, { kind: 'cookie' }>,
  { keys, recorded, world }: Seeing,
): Promise<Shown> {
  const { name, place } = keys.rootOf(key)
  const then = recorded?.keys.find((one) => one.name === name)?.fingerprint
  if (recorded === undefined || then === undefined || then === null) return said(`${about}: the backup noted nothing`)
  const bytes = variableOf(await world.secret(place.component, place.secret), place)
  const now = bytes === undefined ? 'none' : world.fingerprint(secretOfBytes(bytes))
  const found = `${about}: the backup found ${recorded.verdict}`
  if (now !== then) return said(`${found} for ${then}, and the key is ${now}`)
  const tally = new Tally()
  if (recorded.verdict === 'does-not-fit' || recorded.verdict === 'mixed') tally.add({ group: '', says: 'misfits' })
  return { tally, evidence: [`${found}, and the key is that of then, ${now}`] }
}

/** Whether hashes over the same rows are those of the backup. They say nothing of any key. */
export async function proveStable(
  { about, rows, hash, template }: Extract<Proof, { kind: 'stable' }>,
  { recorded, world }: Pick<Seeing, 'recorded' | 'world'>,
): Promise<Shown> {
  const then = recorded?.stable?.find((one) => one.about === about)
  if (world.recorded !== undefined && then === undefined) return said(`${about}: the backup noted nothing`)
  const whole = createHash('sha256')
  let count = 0
  for await (const row of world.rows(rows.component, { sql: rows.sql, limit: then?.rows ?? rows.limit })) {
    world.signal.throwIfAborted()
    whole.update(
      createHash(hash)
        .update(filled(template, row, Buffer.alloc(0)))
        .digest(),
    )
    count += 1
    if (count === then?.rows) break
  }
  const stable = { about, rows: count, fingerprint: world.fingerprint(secretOfBytes(whole.digest())) }
  return then === undefined ? { ...said(`${about}: noted of ${count}`), stable } : compared(stable, then)
}

function compared(now: StableReport, then: StableReport): Shown {
  const tally = new Tally()
  if (now.fingerprint === then.fingerprint) return said(`${now.about}: all ${now.rows} are those of the backup`)
  tally.add({ group: '', says: 'corrupt', why: `${now.about}: ${now.rows} are not the ${then.rows} of the backup` })
  return { tally, evidence: tally.words(now.about) }
}

function said(evidence: string): Shown {
  return { tally: new Tally(), evidence: [evidence] }
}
