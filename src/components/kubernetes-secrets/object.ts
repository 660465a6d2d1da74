import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../core/texts/secret-bytes.ts'
import { parsed, type Preconditions, type Resource } from '../../platforms/kubernetes/client.ts'
import { anyNames } from '../any-names.ts'
import type { ObjectKind } from './schema.ts'

const texts = anyNames(z.string())
/** Everything of an object that is captured, but its values. */
const description = z.object({
  type: z.string().nullable(),
  immutable: z.boolean(),
  labels: texts,
  annotations: texts,
  /** Keys of a ConfigMap's `binaryData`; all others are text. */
  binaryKeys: z.array(z.string()),
})
export type Description = z.infer<typeof description>

/** A Secret or ConfigMap as it is captured and restored. */
export interface KubernetesObject {
  readonly object: ObjectKind
  readonly name: string
  readonly description: Description
  /** The exact bytes, sorted by key. */
  readonly values: ReadonlyMap<string, Secret>
  /** Of one that is, or was, on a server: what no restore point holds. */
  readonly rest?: Rest
}

/** One as it is on the server now, with what only the server says. */
export interface LiveObject extends KubernetesObject {
  readonly version: Preconditions
  readonly owners: readonly Owner[]
  /** Who wrote fields of it, as they call themselves. */
  readonly writers: readonly string[]
  readonly finalizers: readonly string[]
  /** A deletion is under way, which waits for the finalizers. */
  readonly isGoing: boolean
  /** What no restore point holds, as the server gave it: a replacement keeps it. */
  readonly rest: Rest
}

export const rest = z.object({
  finalizers: z.array(z.string()),
  ownerReferences: z.array(z.unknown()),
  /** The token that the cluster wrote into a Secret of a service account. */
  data: texts,
})
export type Rest = z.infer<typeof rest>

/** Its data is made by the cluster and opens nothing elsewhere; that there is one, and for which account, is ours. */
export const ACCOUNT_TOKEN = 'kubernetes.io/service-account-token'
const ACCOUNT_UID = 'kubernetes.io/service-account.uid'

export interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

const answer = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: texts.default({}),
    annotations: texts.default({}),
    finalizers: z.array(z.string()).default([]),
    ownerReferences: z.array(z.looseObject({ apiVersion: z.string(), kind: z.string(), name: z.string() })).default([]),
    deletionTimestamp: z.string().optional(),
    managedFields: z.array(z.object({ manager: z.string().default('') })).default([]),
  }),
  type: z.string().optional(),
  immutable: z.boolean().default(false),
  data: texts.nullish(),
  binaryData: texts.nullish(),
})

const plurals: Readonly<Record<ObjectKind, string>> = { Secret: 'secrets', ConfigMap: 'configmaps' }

export function resourceOf(kind: ObjectKind, namespace: string): Resource {
  return { api: '/api/v1', kind, plural: plurals[kind], namespace }
}

export function labelOf({ object, name }: Pick<KubernetesObject, 'object' | 'name'>): string {
  return `${object} ${name}`
}

/** What the server gave, without what belongs to this one server: uid, owners, versions and who wrote. */
export function liveObject(object: ObjectKind, body: unknown): LiveObject {
  const { metadata, type, immutable, data, binaryData } = parsed(answer, body, `read a ${object}`)
  const { name, uid, resourceVersion, labels, annotations, finalizers, ownerReferences, managedFields } = metadata
  const encoding = object === 'Secret' ? 'base64' : 'utf8'
  const isToken = type === ACCOUNT_TOKEN
  const values = [...valuesOf(isToken ? {} : (data ?? {}), encoding), ...valuesOf(binaryData ?? {}, 'base64')]
  const binaryKeys = Object.keys(binaryData ?? {}).toSorted()
  return {
    object,
    name,
    description: {
      type: type ?? null,
      immutable,
      labels: sorted(labels),
      annotations: sorted(isToken ? without(annotations, ACCOUNT_UID) : annotations),
      binaryKeys,
    },
    values: new Map(values.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    version: { uid, resourceVersion },
    owners: ownerReferences,
    finalizers,
    isGoing: metadata.deletionTimestamp !== undefined,
    rest: { finalizers, ownerReferences, data: isToken ? (data ?? {}) : {} },
    writers: [...new Set(managedFields.map(({ manager }) => manager))],
  }
}

function valuesOf(data: Readonly<Record<string, string>>, encoding: 'utf8' | 'base64'): [string, Secret][] {
  return Object.entries(data).map(([key, value]) => [key, secretOfBytes(Buffer.from(value, encoding))])
}

/** So that equal descriptions are equal texts. */
function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function without(record: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))
}

/** As the server takes it, with what a restore point does not hold of the object that it takes the place of. */
export function bodyOf(one: KubernetesObject, version?: Preconditions, rest?: Rest): unknown {
  const { labels, annotations, type, immutable, binaryKeys } = one.description
  const binary = new Set(binaryKeys)
  const entries = [...one.values]
  const text = entries.filter(([key]) => !binary.has(key)).map(([key, value]) => [key, textOf(one, value)])
  const bytes = entries.filter(([key]) => binary.has(key)).map(([key, value]) => [key, value.reveal()])
  return {
    apiVersion: 'v1',
    kind: one.object,
    metadata: { name: one.name, labels, annotations, ...version, ...carried(rest) },
    ...(type === null ? {} : { type }),
    ...(immutable ? { immutable } : {}),
    data: { ...rest?.data, ...Object.fromEntries(text) },
    ...(bytes.length === 0 ? {} : { binaryData: Object.fromEntries(bytes) }),
  }
}

function carried(rest: Rest | undefined): Partial<Omit<Rest, 'data'>> {
  const { finalizers = [], ownerReferences = [] } = rest ?? {}
  return {
    ...(finalizers.length === 0 ? {} : { finalizers }),
    ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
  }
}

/** What was captured, beside the labels and annotations that others gave the live object. */
export function besideOthers(wanted: KubernetesObject, live: KubernetesObject | undefined): KubernetesObject {
  if (live === undefined) return wanted
  const { description } = wanted
  const labels = sorted(joined(live.description.labels, description.labels))
  const annotations = sorted(joined(live.description.annotations, description.annotations))
  return { ...wanted, description: { ...description, labels, annotations } }
}

/** As own members, whatever their names are. */
function joined(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries([...Object.entries(one), ...Object.entries(other)])
}

/** Only with the labels and annotations of these names. */
export function withNames(one: KubernetesObject, names: DescribedNames): KubernetesObject {
  const only = (record: Readonly<Record<string, string>>, allowed: readonly string[]): Record<string, string> =>
    Object.fromEntries(Object.entries(record).filter(([name]) => allowed.includes(name)))
  const labels = only(one.description.labels, names.labels)
  const annotations = only(one.description.annotations, names.annotations)
  return { ...one, description: { ...one.description, labels, annotations } }
}

export interface DescribedNames {
  readonly labels: readonly string[]
  readonly annotations: readonly string[]
}

function textOf({ object }: KubernetesObject, value: Secret): string {
  return object === 'Secret' ? value.reveal() : bytesOfSecret(value).toString('utf8')
}

/** Everything but the values, as one text that is equal when they are. */
export function descriptionText(one: KubernetesObject): string {
  const { type, immutable, labels, annotations, binaryKeys } = one.description
  return JSON.stringify({ type, immutable, labels, annotations, binaryKeys })
}

export function areEqual(one: KubernetesObject, other: KubernetesObject): boolean {
  if (descriptionText(one) !== descriptionText(other) || one.values.size !== other.values.size) return false
  return [...one.values].every(([key, value]) => other.values.get(key)?.reveal() === value.reveal())
}

export function parseDescription(text: string): Description {
  const result = description.safeParse(jsonOf(text))
  if (result.success) return result.data
  throw new Failure('corrupt', 'the artifact of secrets is damaged: the description of an object has another shape')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isSame(
  one: Pick<KubernetesObject, 'object' | 'name'>,
  other: Pick<KubernetesObject, 'object' | 'name'>,
): boolean {
  return one.object === other.object && one.name === other.name
}
