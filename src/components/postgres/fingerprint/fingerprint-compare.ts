import type { Difference } from '../../../core/restore-point.ts'
import type { Definition } from './definitions.ts'
import { compareDepends } from './depends-compare.ts'
import type { Fingerprint } from '../schema.ts'

const ABSENT = 'absent'

export interface CompareOptions {
  /**
   * Whether the same major of PostgreSQL and of pg_dump gave both. Otherwise definitions are worded differently and
   * extensions come in other versions, so only their names are compared.
   */
  readonly sameDefinitions: boolean
  /** How the server of what was found words the captured definitions, by name. With it they are always compared. */
  readonly reference?: ReadonlyMap<string, Definition> | undefined
}

/** Everything in which `found` is not what was captured as `expected`; nothing means equal content. */
export function compareFingerprints(
  expected: Fingerprint,
  found: Fingerprint,
  { sameDefinitions, reference }: CompareOptions,
): Difference[] {
  return [
    ...compare('table', expected.tables, found.tables, byName, (a, b) =>
      compareTable(a, b, expected.hashing === found.hashing),
    ),
    ...compare('sequence', expected.sequences, found.sequences, byName, compareSequence),
    ...compare('large object', expected.largeObjects, found.largeObjects, ({ oid }) => String(oid), compareLargeObject),
    ...compare('extension', expected.extensions, extensionsOf(found, expected), byName, (a, b) =>
      sameDefinitions ? different(`version of extension ${a.name}`, a.version, b.version) : [],
    ),
    ...compare(
      '',
      withoutNoOps(objectsOf(expected, found), found, reference),
      withoutImplied(objectsOf(found, expected), expected, reference),
      byName,
      (a, b) =>
        sameDefinitions || reference !== undefined
          ? compareDefinition(a.name, reference?.get(a.name)?.definition ?? a.definition, b.definition)
          : [],
    ),
    ...compareDepends(expected, found),
  ]
}

/**
 * What pg_dump writes within a table or by itself, whatever the table came from: a default of null that a child has in place
 * of its parent's is in the table before a load, and behind the table of a grandchild after it.
 */
const APART = /^(?:DEFAULT|CONSTRAINT|CHECK CONSTRAINT) /

/** Without those that are nowhere in the dump, and that the server makes of it all the same. */
function withoutImplied(
  found: Fingerprint['objects'],
  expected: Fingerprint,
  reference: CompareOptions['reference'],
): Fingerprint['objects'] {
  const captured = new Set(expected.objects.map(byName))
  return found.filter(
    ({ name, definition }) =>
      captured.has(name) || !APART.test(name) || reference?.get(name)?.definition !== definition,
  )
}

/** The definition of what a dump states and the server makes nothing of. */
export const NO_OP = ''

function withoutNoOps(
  expected: Fingerprint['objects'],
  found: Fingerprint,
  reference: CompareOptions['reference'],
): Fingerprint['objects'] {
  const there = new Set(found.objects.map(byName))
  return expected.filter(({ name }) => there.has(name) || reference?.get(name)?.definition !== NO_OP)
}

/**
 * The objects that both have and word in two ways, or that only one has by themselves, so that only the server can say if
 * they mean the same.
 */
export function wordedOtherwise(expected: Fingerprint, found: Fingerprint): ReadonlySet<string> {
  const apart = [...lackingIn(expected, found), ...lackingIn(found, expected)].filter(({ name }) => APART.test(name))
  const words = new Map(found.objects.map(({ name, definition }) => [name, definition]))
  const others = expected.objects.filter(
    ({ name, definition, moved }) => moved !== true && (words.get(name) ?? definition) !== definition,
  )
  return new Set([...others, ...apart].map(byName))
}

function lackingIn(one: Fingerprint, other: Fingerprint): Fingerprint['objects'] {
  const there = new Set(one.objects.map(byName))
  return other.objects.filter(({ name, moved }) => moved !== true && !there.has(name))
}

const DEFINITION = 'definition of '

/** The object whose definition the difference is in, where it is in one that both have. */
export function definitionIn({ subject }: Difference): string | undefined {
  return subject.startsWith(DEFINITION) ? subject.slice(DEFINITION.length) : undefined
}

/** Hashes say nothing to people. The text is found by who has both. */
function compareDefinition(name: string, expected: string, found: string): Difference[] {
  return expected === found
    ? []
    : [{ subject: `${DEFINITION}${name}`, expected: 'as captured', found: 'another definition' }]
}

/**
 * Asked to quote all names, pg_dump takes the comment that every schema `public` is born with for somebody's own from 15
 * on, and older ones never mention it. Its grants are born other from 15 on, so that whoever had closed it before has what is
 * no difference any more: between the two neither says anything.
 */
const BORN_WITH = new Set(['COMMENT SCHEMA "public"', 'ACL SCHEMA "public"'])
const COMMENTS_SINCE = 15

/**
 * Every database is born with it, and pg_dump mentions it only where somebody made it anew. Who may not drop it has it twice
 * the same: what it is does not depend on who made it, and whoever dropped it misses nothing.
 */
const BORN_LANGUAGE = 'plpgsql'
const MADE_ANEW = new Set([`EXTENSION ${BORN_LANGUAGE}`, `COMMENT EXTENSION "${BORN_LANGUAGE}"`])

function extensionsOf({ extensions }: Fingerprint, other: Fingerprint): Fingerprint['extensions'] {
  const isThere = other.extensions.some(({ name }) => name === BORN_LANGUAGE)
  return isThere ? extensions : extensions.filter(({ name }) => name !== BORN_LANGUAGE)
}

function objectsOf({ objects, definitionsBy }: Fingerprint, other: Fingerprint): Fingerprint['objects'] {
  const alike = definitionsBy < COMMENTS_SINCE === other.definitionsBy < COMMENTS_SINCE
  return objects.filter(({ name }) => !MADE_ANEW.has(name) && (alike || !BORN_WITH.has(name)))
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
  return rows.length > 0 || !comparable
    ? rows
    : compareContent(`content of ${a.name}`, `${a.rows} rows`, a.hash, b.hash)
}

/** What is told in place of sums of hashes. What is no sum says itself what it is. */
function compareContent(
  subject: string,
  amount: string,
  expected: string | undefined,
  found: string | undefined,
): Difference[] {
  if (expected === undefined || expected === found) return []
  const isSum = (hash: string): boolean => /^-?\d+$/.test(hash)
  const said = isSum(expected) ? `${amount}, as captured` : expected
  if (found === undefined) return [{ subject, expected: said, found: ABSENT }]
  return [{ subject, expected: said, found: isSum(found) ? `${amount}, not the same` : found }]
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
  return size.length > 0 ? size : compareContent(`content of large object ${a.oid}`, `${a.size} bytes`, a.hash, b.hash)
}

/** Where the backup left it to drills, nothing is expected. What it did read must be found. */
function differentIfKnown(subject: string, expected: string | undefined, found: string | undefined): Difference[] {
  return expected === undefined ? [] : different(subject, expected, found ?? ABSENT)
}

function different(subject: string, expected: string, found: string): Difference[] {
  return expected === found ? [] : [{ subject, expected, found }]
}
