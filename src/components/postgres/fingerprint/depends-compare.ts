import type { Difference } from '../../../core/restore-point.ts'
import type { Fingerprint } from '../schema.ts'
import type { Depends } from './depends.ts'

type Compared = Pick<Fingerprint, 'objects' | 'depends'>
const BUILT_IN = 'what is built in'

/**
 * Objects that use other operators, functions and so on than when they were captured, though their text may be the same.
 * What is only on one side is for the comparison of objects; what a point does not say is not compared.
 */
export function compareDepends(expected: Compared, found: Compared): Difference[] {
  if (expected.depends === undefined || found.depends === undefined) return []
  const [before, after] = [usesOf(expected.depends), usesOf(found.depends)]
  const skipped = notOnBoth(expected, found)
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => !skipped.has(name))
    .flatMap((name) => difference(name, before.get(name) ?? [], after.get(name) ?? []))
}

function usesOf(depends: Depends): Map<string, readonly string[]> {
  return new Map(depends.map(({ name, on }) => [name, on.map((one) => `${one.kind} ${one.name}`)]))
}

function notOnBoth(expected: Compared, found: Compared): Set<string> {
  const there = new Set(found.objects.map(({ name }) => name))
  return new Set(expected.objects.flatMap(({ name, moved }) => (moved === true || !there.has(name) ? [name] : [])))
}

function difference(name: string, before: readonly string[], after: readonly string[]): Difference[] {
  const lost = before.filter((one) => !after.includes(one))
  const others = after.filter((one) => !before.includes(one))
  if (lost.length === 0 && others.length === 0) return []
  return [{ subject: `what ${name} uses`, expected: listed(lost), found: listed(others) }]
}

function listed(uses: readonly string[]): string {
  return uses.length === 0 ? BUILT_IN : uses.join(', ')
}
