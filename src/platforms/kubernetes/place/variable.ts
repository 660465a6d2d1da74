import { z } from 'zod'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Place } from '../../place.ts'
import { parsed, type KubernetesClient, type Resource } from '../client.ts'
import { configMapsIn, secretsIn } from '../resources.ts'
import type { ContainerSpec, Pod, VariablesFrom } from './pod.ts'

interface Reading {
  readonly client: KubernetesClient
  readonly place: Place
  readonly context: Context
}

const LARGEST = 1024 * 1024

/**
 * A variable of a container as its programs see it, or the content of the file that `<NAME>_FILE` names. Of the pod's
 * specification, where the values may be read; otherwise of a program in the container.
 */
export async function readVariable(
  name: string,
  pod: Pod,
  container: string,
  reading: Reading,
): Promise<string | undefined> {
  const value = await plainVariable(name, pod, container, reading)
  if (value !== undefined) return value
  const path = await plainVariable(`${name}_FILE`, pod, container, reading)
  return path === undefined ? undefined : await readFileInside(path, reading)
}

async function plainVariable(name: string, pod: Pod, container: string, reading: Reading): Promise<string | undefined> {
  const spec = pod.spec.containers.find((one) => one.name === container)
  try {
    const value = spec === undefined ? undefined : await specified(name, spec, pod, reading.client)
    // References to others are resolved by the kubelet.
    if (value !== undefined && !value.includes('$(')) return value
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
  }
  return await seenInside(name, reading)
}

/** As the kubelet reads it: `env` goes before `envFrom`, and what comes later before what comes earlier. */
async function specified(
  name: string,
  { env, envFrom }: ContainerSpec,
  pod: Pod,
  client: KubernetesClient,
): Promise<string | undefined> {
  const { namespace } = pod.metadata
  const own = env?.findLast((one) => one.name === name)
  if (own !== undefined) {
    const { secretKeyRef, configMapKeyRef } = own.valueFrom ?? {}
    if (own.valueFrom == null) return own.value ?? ''
    if (secretKeyRef != null) return await valueIn(secretsIn(namespace), secretKeyRef.name, secretKeyRef.key, client)
    if (configMapKeyRef != null)
      return await valueIn(configMapsIn(namespace), configMapKeyRef.name, configMapKeyRef.key, client)
    return undefined
  }
  for (const from of (envFrom ?? []).toReversed()) {
    const value = await valueFrom(name, from, namespace, client)
    if (value !== undefined) return value
  }
  return undefined
}

async function valueFrom(
  name: string,
  { prefix, secretRef, configMapRef }: VariablesFrom,
  namespace: string,
  client: KubernetesClient,
): Promise<string | undefined> {
  if (!name.startsWith(prefix ?? '')) return undefined
  const key = name.slice((prefix ?? '').length)
  if (secretRef != null) return await valueIn(secretsIn(namespace), secretRef.name, key, client)
  return configMapRef == null ? undefined : await valueIn(configMapsIn(namespace), configMapRef.name, key, client)
}

const values = z.object({ data: z.record(z.string(), z.string()).nullish() })

async function valueIn(
  resource: Resource,
  name: string,
  key: string,
  client: KubernetesClient,
): Promise<string | undefined> {
  const body = await client.get(resource, name)
  const value = body === undefined ? undefined : parsed(values, body, `read ${resource.kind} ${name}`).data?.[key]
  if (value === undefined || resource.kind === 'ConfigMap') return value
  return Buffer.from(value, 'base64').toString('utf8')
}

/**
 * As a program inside sees it, with what the image and the kubelet add. `cat` shows its own environment, which has no
 * ambiguous line breaks; an image without it tells nothing.
 */
async function seenInside(name: string, { place, context }: Reading): Promise<string | undefined> {
  try {
    const { code, text } = await outputOf(['cat', '/proc/self/environ'], place, context)
    const line = text.split('\0').find((one) => one.startsWith(`${name}=`))
    return code === 0 ? line?.slice(name.length + 1) : undefined
  } catch (error) {
    if (isFailure(error, 'notFound')) return undefined
    throw error
  }
}

async function readFileInside(path: string, { place, context }: Reading): Promise<string> {
  const { code, text } = await outputOf(['cat', path], place, context)
  if (code === 0) return text.replace(/\n$/, '')
  throw new Failure('notFound', `${place.name} cannot read its file ${path}`, {
    hint: 'Check the file that the variable of the container names.',
  })
}

async function outputOf(
  argv: readonly [string, ...string[]],
  place: Place,
  context: Context,
): Promise<{ readonly code: number; readonly text: string }> {
  const program = await place.start(argv, context)
  program.stdin.end()
  const chunks: Buffer[] = []
  let length = 0
  // The stream gives what the program wrote, as bytes.
  for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LARGEST) throw new Failure('unsupported', `${argv.join(' ')} in ${place.name} gave more than a MiB`)
    chunks.push(chunk)
  }
  return { code: await program.ended, text: Buffer.concat(chunks).toString('utf8') }
}
