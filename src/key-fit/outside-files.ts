import { isAbsolute } from 'node:path'
import { openIn } from './proofs.ts'
import type { KeySet } from './keys.ts'
import type { Shown } from './later.ts'
import type { DeclaredFit, Proof } from './schema.ts'
import { Tally } from './verdict.ts'
import { parsedJson } from './values.ts'
import type { EvidenceSource } from './evidence-source.ts'

const NAMED = 20

/** Files that the app's own data names and that no component holds. What cannot be opened, the proofs of the keys say. */
export async function findOutside(
  proof: Extract<Proof, { kind: 'files' }>,
  elsewhere: DeclaredFit['elsewhere'],
  keys: KeySet,
  world: EvidenceSource,
): Promise<Shown> {
  const { holdsFile } = world
  const tally = new Tally()
  if (holdsFile === undefined) return { tally, evidence: [] }
  const accepted = new Set(elsewhere.map(({ file }) => file))
  const outside = new Set<string>()
  for await (const row of world.rows(proof.rows.component, proof.rows)) {
    world.signal.throwIfAborted()
    const opened = await openIn(row, proof, keys, () => true)
    if (!('plain' in opened)) continue
    for (const path of pathsIn(opened.plain.toString('utf8'), proof.members))
      if (outside.size < NAMED && !accepted.has(path) && !(isAbsolute(path) && (await holdsFile(path))))
        outside.add(path)
  }
  return {
    tally,
    evidence: [...outside].map((path) => `${proof.about}: ${path} is in no component`),
    outside: [...outside],
  }
}

function pathsIn(text: string, members: readonly string[]): readonly string[] {
  if (members.length === 0) return text === '' ? [] : [text]
  const parsed = parsedJson(text)
  if (typeof parsed !== 'object' || parsed === null) return []
  return members.flatMap((member) => {
    const found: unknown = Object.hasOwn(parsed, member) ? Reflect.get(parsed, member) : undefined
    return typeof found === 'string' && found !== '' ? [found] : []
  })
}
