import type { Fingerprint } from '../../../schema.ts'
import type { WayTaken } from '../way.ts'

/**
 * What a comparison expects of a database that was loaded in these ways: whatever it finds of what is exempt is taken. All
 * else must be as it was captured.
 */
export function expectedAfter(fingerprint: Fingerprint, ways: readonly WayTaken[]): Fingerprint {
  if (ways.length === 0) return fingerprint
  const names = (key: keyof WayTaken['exempt']): Set<string> => new Set(ways.flatMap(({ exempt }) => exempt[key]))
  const [objects, relations, extensions] = [names('objects'), names('relations'), names('extensions')]
  return {
    ...fingerprint,
    tables: exempted(fingerprint.tables, relations, (name) => ({ name, rows: '0' })),
    sequences: fingerprint.sequences.map((one) => (relations.has(one.name) ? { ...one, moved: true } : one)),
    extensions: fingerprint.extensions.map((one) => (extensions.has(one.name) ? { ...one, moved: true } : one)),
    objects: exempted(fingerprint.objects, objects, (name) => ({ name, definition: '' })),
  }
}

/** Also of what was not captured and may be there now, for example a constraint that stands apart from its table. */
function exempted<One extends { readonly name: string }>(
  all: readonly One[],
  names: ReadonlySet<string>,
  make: (name: string) => One,
): One[] {
  const there = new Set(all.map(({ name }) => name))
  const more = [...names].filter((name) => !there.has(name)).map((name) => ({ ...make(name), moved: true }))
  return [...all.map((one) => (names.has(one.name) ? { ...one, moved: true } : one)), ...more]
}
