import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { Secret } from '../../core/secret.ts'
import { bytesOfSecret } from '../../core/texts/secret-bytes.ts'
import type { Proof } from '../../repository/documents/documents.ts'
import type { PointReader } from '../../repository/repository.ts'
import { fingerprintKeyFrom } from '../key-fit/point-key.ts'
import type { RestoreTarget } from '../../components/target.ts'

/**
 * Where a backup left the fingerprint of the content to drills, the first drill that passes keeps one of what it restored, as a
 * fact of its proof. It says nothing about the source: it tells whether a later restore of the same authenticated bytes
 * gives the same content. Proofs can be read by everybody, so it is keyed with the key in the encrypted manifest.
 */
export type DrilledContent = Readonly<Record<string, string>>

const facts = z.object({ content: z.record(z.string(), z.string()).optional() })
const LABEL = 'holdfast/1 drilled content'

export interface EarlierDrill {
  readonly at: string
  readonly content: DrilledContent
}

/** What the oldest drill that passed and kept any kept; all later ones passed against it. */
export function drilledContent(proofs: readonly Proof[]): EarlierDrill | undefined {
  const passed = proofs.filter(({ kind, ok }) => kind === 'drill' && ok)
  const kept = passed.map((proof) => ({ at: proof.created, content: facts.parse(proof.facts).content }))
  return kept.flatMap(({ at, content }) => (content === undefined ? [] : { at, content }))[0]
}

/** Something with a target that was loaded. */
interface Loaded {
  readonly name: string
  readonly target: RestoreTarget
  readonly details: unknown
}

/** Of everything loaded whose content was not compared with what was captured. */
export async function readContents(
  reader: PointReader,
  targets: readonly Loaded[],
  context: Context,
): Promise<DrilledContent> {
  const stored = reader.manifest.keyFit?.fingerprintKey
  if (stored === undefined) return {}
  const found: Record<string, string> = {}
  for (const { name, target, details } of targets) {
    const content = await target.content?.(details, context)
    if (content !== undefined) found[name] = keyed(fingerprintKeyFrom(stored), name, content)
  }
  return found
}

function keyed(key: Secret, component: string, content: string): string {
  return createHmac('sha256', bytesOfSecret(key)).update(`${LABEL}\0${component}\0`).update(content).digest('hex')
}

/** Only what both have is compared: a restore may be of some components. */
export function compareDrilled(earlier: EarlierDrill | undefined, found: DrilledContent): readonly Difference[] {
  if (earlier === undefined) return []
  const expected = `what the drill of ${earlier.at} restored`
  return Object.entries(found).flatMap(([name, keyedContent]) => {
    const before = earlier.content[name]
    if (before === undefined || before === keyedContent) return []
    return [{ subject: `${name}: content`, expected, found: 'other content' }]
  })
}
