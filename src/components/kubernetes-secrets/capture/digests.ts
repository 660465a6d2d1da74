import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import type { Secret } from '../../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import { fingerprintOf, secretDigest } from '../../secret-record.ts'
import { descriptionText, labelOf, withNames, type KubernetesObject } from '../object.ts'
import { objectsOf } from '../restore/records.ts'
import type { CapturedObject, KubernetesSecretsDetails } from '../schema.ts'

/** What the manifest says of an object. */
export function capturedOf(
  one: KubernetesObject,
  managedBy: string | undefined,
  fingerprintKey: Secret,
): CapturedObject {
  const { object, name, description } = one
  const keys = [...one.values].map(([key, value]) => {
    const bytes = bytesOfSecret(value)
    const digest = secretDigest(fingerprintKey, value)
    return { key, bytes: bytes.length, trailingNewline: bytes.at(-1) === 10, digest }
  })
  const { type, immutable } = description
  const describedDigest = secretDigest(fingerprintKey, secretOfBytes(Buffer.from(descriptionText(one))))
  const describedNames = { labels: Object.keys(description.labels), annotations: Object.keys(description.annotations) }
  return { object, name, type, immutable, managedBy: managedBy ?? null, describedDigest, describedNames, keys }
}

/** The key of a restore point's digests. */
function fingerprintKeyOf({ fingerprintKey }: KubernetesSecretsDetails): Secret {
  return secretOfBytes(Buffer.from(fingerprintKey, 'base64'))
}

/** In what an object is not what was captured. A value is told by the fingerprint that `show` has of each point. */
export function differencesOf(
  expected: CapturedObject,
  found: KubernetesObject | undefined,
  details: KubernetesSecretsDetails,
): readonly Difference[] {
  const subject = labelOf(expected)
  if (found === undefined) return [{ subject, expected: `${expected.keys.length} keys`, found: 'nothing' }]
  const now = capturedOf(found, undefined, fingerprintKeyOf(details))
  const names = new Set([...expected.keys, ...now.keys].map(({ key }) => key))
  const ofKeys = [...names].toSorted().flatMap((key) => keyDifference(subject, key, expected, now))
  if (expected.describedDigest === now.describedDigest) return ofKeys
  return [...ofKeys, describedDifference(`${subject}: type, labels and annotations`, expected, now)]
}

/** The same of one on a server, where labels and annotations of others are no difference. */
export function liveDifferencesOf(
  expected: CapturedObject,
  live: KubernetesObject | undefined,
  details: KubernetesSecretsDetails,
): readonly Difference[] {
  const { describedNames } = expected
  const found = live === undefined || describedNames === undefined ? live : withNames(live, describedNames)
  return differencesOf(expected, found, details)
}

/** Whether an object has the keys and values that were captured, whatever else is told of it. */
export function areKeysEqual(
  expected: CapturedObject,
  found: KubernetesObject,
  details: KubernetesSecretsDetails,
): boolean {
  const { keys } = capturedOf(found, undefined, fingerprintKeyOf(details))
  const names = new Set([...expected.keys, ...keys].map(({ key }) => key))
  const digestIn = (all: CapturedObject['keys'], name: string): string | undefined =>
    all.find(({ key }) => key === name)?.digest
  return [...names].every((name) => digestIn(expected.keys, name) === digestIn(keys, name))
}

function keyDifference(subject: string, key: string, expected: CapturedObject, now: CapturedObject): Difference[] {
  const said = ({ keys }: CapturedObject): string | undefined => keys.find((one) => one.key === key)?.digest
  const [before, after] = [said(expected), said(now)]
  if (before === after) return []
  return [{ subject: `${subject} key ${key}`, expected: shown(before), found: shown(after) }]
}

function shown(digest: string | undefined): string {
  return digest === undefined ? 'nothing' : `fingerprint ${fingerprintOf(digest)}`
}

/** Values of annotations may be secret, so names are told. A point of before they were kept has none. */
function describedDifference(subject: string, expected: CapturedObject, now: CapturedObject): Difference {
  const [wanted, found] = [describedAs(expected), describedAs(now)]
  if (expected.describedNames === undefined) return { subject, expected: 'as captured', found }
  return { subject, expected: wanted, found: wanted === found ? 'the same names, with other values' : found }
}

function describedAs({ type, immutable, describedNames }: CapturedObject): string {
  const listed = (names: readonly string[] = []): string => names.toSorted().join(' ') || 'none'
  const kind = `${type ?? 'no type'}${immutable ? ', immutable' : ''}`
  return `${kind}, labels: ${listed(describedNames?.labels)}, annotations: ${listed(describedNames?.annotations)}`
}

/** The objects of an artifact, one at a time. Fails with `corrupt` when they are not those of the manifest. */
export async function* capturedObjects(
  details: KubernetesSecretsDetails,
  content: Bytes,
): AsyncGenerator<KubernetesObject> {
  const left = new Map(details.objects.map((one) => [labelOf(one), one]))
  for await (const one of objectsOf(content)) {
    const expected = left.get(labelOf(one))
    if (expected === undefined || differencesOf(expected, one, details).length > 0) throw notThose(labelOf(one))
    left.delete(labelOf(one))
    yield one
  }
  const [missing] = left.keys()
  if (missing !== undefined) throw notThose(missing)
}

function notThose(label: string): Failure {
  return new Failure('corrupt', `the captured objects are not those of the manifest: ${label}`)
}
