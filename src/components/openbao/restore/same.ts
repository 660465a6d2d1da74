import type { Difference } from '../../../core/restore-point.ts'
import { nameOf } from '../kv/entry.ts'
import type { KvConfig } from '../schema.ts'
import type { Entry, Entry2, SecretMetadata, Value, Version } from '../kv/entry.ts'
import { canonical, canonicalAsDoubles } from '../client/json.ts'

/** For version 2, which turns numbers into doubles on the way. */
export function isSameValue(a: Value, b: Value): boolean {
  return canonicalAsDoubles(a) === canonicalAsDoubles(b)
}

export function isSameMetadata(a: SecretMetadata, b: SecretMetadata): boolean {
  return metadataText(a) === metadataText(b)
}

function metadataText({ custom, metadataCasRequired, ...rest }: SecretMetadata): string {
  return canonical({ ...rest, custom: custom ?? {}, guarded: metadataCasRequired === true })
}

/** In all that was captured of it: servers and points of before know less of a mount. */
export function isSameConfig(captured: KvConfig, live: KvConfig | null | undefined): boolean {
  const there = new Map<string, unknown>(Object.entries(live ?? {}))
  return Object.entries(captured).every(([name, value]) => there.get(name) === value)
}

/**
 * How what was found differs from what was captured. Never says a value: not even its hash, which a short secret can be
 * guessed from. `versions` compares every version by its number, `current` the newest only.
 */
export function differencesOf(wanted: Entry, found: Entry | undefined, how: 'versions' | 'current'): Difference[] {
  const subject = `secret ${nameOf(wanted)}`
  if (wanted.kv === 'absent') return isGone(found) ? [] : [{ subject, expected: 'nothing', found: 'there' }]
  if (found === undefined || found.kv === 'absent') return [{ subject, expected: 'there', found: 'missing' }]
  if (wanted.kv === 1)
    return found.kv === 1 && canonical(found.data) === canonical(wanted.data) ? [] : [changed(subject, 'value')]
  if (found.kv !== 2) return [{ subject, expected: 'in a mount of version 2', found: 'in a mount of version 1' }]
  if (wanted.valueOnly === true) return ofNewest(subject, wanted, found)
  const metadata = isSameMetadata(wanted.metadata, found.metadata) ? [] : [changed(subject, 'metadata')]
  return [...metadata, ...(how === 'versions' ? ofVersions(subject, wanted, found) : ofNewest(subject, wanted, found))]
}

/** A newest version that is not in the list is there, and the server cannot read it. */
export function isGone(found: Entry | undefined): boolean {
  if (found?.kv !== 2) return found === undefined
  return found.current > 0 ? ['deleted', 'destroyed'].includes(at(found, found.current)?.state ?? 'live') : true
}

function ofVersions(subject: string, wanted: Entry2, found: Entry2): Difference[] {
  if (wanted.current !== found.current)
    return [{ subject, expected: `version ${wanted.current}`, found: `version ${found.current}` }]
  return Array.from({ length: wanted.current }, (_, index) => index + 1).flatMap((number) =>
    ofVersion(`${subject} version ${number}`, at(wanted, number), at(found, number)),
  )
}

function ofNewest(subject: string, wanted: Entry2, found: Entry2): Difference[] {
  return ofVersion(subject, at(wanted, wanted.current), at(found, found.current), 'lenient')
}

function at({ versions }: Entry2, number: number): Version | undefined {
  return versions.find(({ version }) => version === number)
}

/** A pruned version and a destroyed one are the same: the number is used, the contents are gone. */
function ofVersion(
  subject: string,
  wanted: Version | undefined,
  found: Version | undefined,
  how?: 'lenient',
): Difference[] {
  const [expected, there] = [wanted?.state ?? 'destroyed', found?.state ?? 'destroyed']
  if (expected === there || (how === 'lenient' && expected !== 'live' && there !== 'live'))
    return wanted?.state === 'live' && found?.state === 'live' && !isSameValue(wanted.data, found.data)
      ? [changed(subject, 'value')]
      : []
  return [{ subject, expected, found: there }]
}

function changed(subject: string, what: string): Difference {
  return { subject, expected: `the captured ${what}`, found: `another ${what}` }
}
