import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { bytesOfSecret, secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import { readRecords, recordLine, type SecretRecord } from '../../secret-record.ts'
import { descriptionText, parseDescription, rest, type KubernetesObject } from '../object.ts'
import { objectKind, type ObjectKind } from '../schema.ts'

const source = z.object({
  kind: z.literal('kubernetes'),
  object: objectKind,
  name: z.string().min(1),
  /** The record is a value; without it, it is the description that goes before the values. */
  key: z.string().optional(),
  /** Never in a restore point: in what a restore keeps on the server for the way back. */
  rest: rest.optional(),
})

/** The name of a value in key fit, for example `secret/app-keys/masterkey`. */
export function valueName(object: ObjectKind, name: string, key: string): string {
  return `${object.toLowerCase()}/${name}/${key}`
}

/** One line that describes the object, then one for each value. */
export function* linesOf(namespace: string, one: KubernetesObject, how?: 'with its rest'): Generator<Uint8Array> {
  const { object, name } = one
  const from = { kind: 'kubernetes', namespace, object, name }
  const described = secretOfBytes(Buffer.from(descriptionText(one)))
  const source = how === undefined || one.rest === undefined ? from : { ...from, rest: one.rest }
  yield recordLine({ name: `${object.toLowerCase()}/${name}`, value: described, source })
  for (const [key, value] of one.values)
    yield recordLine({ name: valueName(object, name, key), value, source: { ...from, key } })
}

/** The objects of such lines, one at a time. */
export async function* objectsOf(content: Bytes): AsyncGenerator<KubernetesObject> {
  let current: { readonly one: KubernetesObject; readonly values: Map<string, Secret> } | undefined
  for await (const record of readRecords(content)) {
    const { object, name, key, rest: others } = placeOf(record)
    if (key === undefined) {
      if (current !== undefined) yield current.one
      const values = new Map<string, Secret>()
      const description = parseDescription(bytesOfSecret(record.value).toString('utf8'))
      const own = others === undefined ? {} : { rest: others }
      current = { one: { object, name, description, values, ...own }, values }
    } else if (current?.one.name === name && current.one.object === object) {
      current.values.set(key, record.value)
    } else {
      throw damaged()
    }
  }
  if (current !== undefined) yield current.one
}

function placeOf(record: SecretRecord): z.infer<typeof source> {
  const result = source.safeParse(record.source)
  if (result.success) return result.data
  throw damaged()
}

function damaged(): Failure {
  return new Failure('corrupt', 'the artifact of secrets is damaged: a value belongs to no object')
}

/** All of them at once: only where they are few enough to be kept on the server. */
export async function collected(objects: AsyncIterable<KubernetesObject>): Promise<readonly KubernetesObject[]> {
  const all: KubernetesObject[] = []
  for await (const one of objects) all.push(one)
  return all
}
