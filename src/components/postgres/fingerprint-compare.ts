import type { Difference } from '../../core/restore-point.ts'
import type { Fingerprint } from './schema.ts'

const ABSENT = 'absent'

export interface CompareOptions {
  /**
   * Whether the same major of PostgreSQL and of pg_dump gave both. Otherwise definitions are worded differently and
   * extensions come in other versions, so only their names are compared.
   */
  readonly sameDefinitions: boolean
}

/** Everything in which `found` is not what was captured as `expected`; nothing means equal content. */
export function compareFingerprints(
  expected: Fingerprint,
  found: Fingerprint,
  { sameDefinitions }: CompareOptions,
): Difference[] {
  return [
    ...compare('table', expected.tables, found.tables, byName, (a, b) =>
      compareTable(a, b, expected.hashing === found.hashing),
    ),
    ...compare('sequence', expected.sequences, found.sequences, byName, compareSequence),
    ...compare('large object', expected.largeObjects, found.largeObjects, ({ oid }) => String(oid), compareLargeObject),
    ...compare('extension', expected.extensions, found.extensions, byName, (a, b) =>
      sameDefinitions ? different(`version of extension ${a.name}`, a.version, b.version) : [],
    ),
    ...compare('', objectsOf(expected, found), objectsOf(found, expected), byName, (a, b) =>
      sameDefinitions ? different(`definition of ${a.name}`, a.definition, b.definition) : [],
    ),
  ]
}

/**
 * Asked to quote all names, pg_dump takes the comment that every schema `public` is born with for somebody's own from 15
 * on, and older ones never mention it. Its grants are born other from 15 on, so that whoever had closed it before has what is
 * no difference any more: between the two neither says anything.
 */
const BORN_WITH = new Set(['COMMENT SCHEMA "public"', 'ACL SCHEMA "public"'])
const COMMENTS_SINCE = 15

function objectsOf({ objects, definitionsBy }: Fingerprint, other: Fingerprint): Fingerprint['objects'] {
  const alike = definitionsBy < COMMENTS_SINCE === other.definitionsBy < COMMENTS_SINCE
  return alike ? objects : objects.filter(({ name }) => !BORN_WITH.has(name))
}

function byName({ name }: { readonly name: string }): string {
  return name
}

/** Pairs both sides by key; what only one has is a difference, pairs are compared by `inside`. */
function compare<One extends { readonly moved?: boolean | undefined }>(
  kind: string,
  expected: readonly One[],
  found: readonly One[],
  key: (one: One) => string,
  inside: (a: One, b: One) => Difference[],
): Difference[] {
  const others = new Map(found.map((one) => [key(one), one]))
  const subject = (name: string): string => (kind === '' ? name : `${kind} ${name}`)
  const differences = expected.flatMap((one) => {
    const other = others.get(key(one))
    others.delete(key(one))
    if (one.moved === true) return []
    return other === undefined
      ? [{ subject: subject(key(one)), expected: 'present', found: ABSENT }]
      : inside(one, other)
  })
  return [
    ...differences,
    ...[...others.keys()].map((name) => ({ subject: subject(name), expected: ABSENT, found: 'present' })),
  ]
}

/** Hashes made in different ways say nothing of each other. What a materialized view has in place of one says what it says. */
function compareTable(
  a: Fingerprint['tables'][number],
  b: Fingerprint['tables'][number],
  sameHashing: boolean,
): Difference[] {
  const rows = different(`rows of ${a.name}`, a.rows, b.rows)
  const comparable = sameHashing || !/^-?\d+$/.test(a.hash ?? '')
  return rows.length > 0 || !comparable ? rows : differentIfKnown(`content of ${a.name}`, a.hash, b.hash)
}

function compareSequence(a: Fingerprint['sequences'][number], b: Fingerprint['sequences'][number]): Difference[] {
  const subject = `sequence ${a.name}`
  if (a.until === undefined) return different(subject, position(a), position(b))
  const [first, last, value] = [BigInt(a.lastValue), BigInt(a.until), BigInt(b.lastValue)]
  const between = first <= last ? first <= value && value <= last : last <= value && value <= first
  return between ? [] : [{ subject, expected: `from ${a.lastValue} to ${a.until}`, found: b.lastValue }]
}

function position({ lastValue, isCalled }: Fingerprint['sequences'][number]): string {
  return isCalled ? lastValue : `${lastValue}, not used yet`
}

function compareLargeObject(
  a: Fingerprint['largeObjects'][number],
  b: Fingerprint['largeObjects'][number],
): Difference[] {
  const size = differentIfKnown(`size of large object ${a.oid}`, a.size, b.size)
  return size.length > 0 ? size : differentIfKnown(`content of large object ${a.oid}`, a.hash, b.hash)
}

/** Where the backup left it to drills, nothing is expected. What it did read must be found. */
function differentIfKnown(subject: string, expected: string | undefined, found: string | undefined): Difference[] {
  return expected === undefined ? [] : different(subject, expected, found ?? ABSENT)
}

function different(subject: string, expected: string, found: string): Difference[] {
  return expected === found ? [] : [{ subject, expected, found }]
}
