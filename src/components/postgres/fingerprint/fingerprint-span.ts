import { isDeepStrictEqual } from 'node:util'
import { sequencesBetween } from './fingerprint.ts'
import type { Fingerprint } from '../schema.ts'

/**
 * What is known of a moment between two readings: what both found equal was so then, too. The rest is marked as moved,
 * and a comparison takes whatever it finds of it.
 */
export function fingerprintBetween(before: Fingerprint, after: Fingerprint): Fingerprint {
  const kept = new Set(after.sequences.map(byName))
  const sequences = sequencesBetween(
    before.sequences.filter((one) => kept.has(one.name)),
    after.sequences,
  )
  const comeOrGone = between(before.sequences.map(onlyName), after.sequences.map(onlyName), byName)
  return {
    hashing: after.hashing,
    tables: between(before.tables, after.tables, byName),
    sequences: [...sequences, ...comeOrGone.filter(({ moved }) => moved)],
    largeObjects: between(before.largeObjects, after.largeObjects, ({ oid }) => String(oid)),
    extensions: between(before.extensions, after.extensions, byName),
    objects: between(before.objects, after.objects, byName),
    definitionsBy: after.definitionsBy,
  }
}

/** For people: what was marked. */
export function movedNames({ tables, sequences, largeObjects, extensions, objects }: Fingerprint): readonly string[] {
  const marked = [...tables, ...sequences, ...extensions, ...objects].filter(({ moved }) => moved)
  const large = largeObjects.filter(({ moved }) => moved).map(({ oid }) => `large object ${oid}`)
  return [...new Set([...marked.map(byName), ...large])]
}

function byName({ name }: { readonly name: string }): string {
  return name
}

function onlyName({ name }: { readonly name: string }): Fingerprint['sequences'][number] {
  return { name, lastValue: '', isCalled: false }
}

function between<One extends { readonly moved?: boolean | undefined }>(
  before: readonly One[],
  after: readonly One[],
  key: (one: One) => string,
): One[] {
  const later = new Map(after.map((one) => [key(one), one]))
  const found = before.map((one) => {
    const then = later.get(key(one))
    later.delete(key(one))
    return isDeepStrictEqual(one, then) ? one : { ...one, moved: true }
  })
  return [...found, ...[...later.values()].map((one) => ({ ...one, moved: true }))]
}
