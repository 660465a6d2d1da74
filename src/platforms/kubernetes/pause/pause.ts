import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { KubernetesClient, Resource } from '../client.ts'
import { describePod, listPods, type Pod } from '../place/pod.ts'
import { pauseKeda, resumeKeda } from './keda.ts'
import { kindOf } from './kinds.ts'
import type { PausableKind } from './pausable.ts'
import { patchOf, recordIn } from './record.ts'
import { runningJobs } from './running-jobs.ts'
import { waitUntil } from './wait-until.ts'
import { parseName } from './workload-name.ts'

/** One object in one cluster, and how long it may take. */
export interface Pausing {
  readonly client: KubernetesClient
  readonly context: Context
  readonly limitSeconds: number
}

interface Target extends Pausing {
  /** `Deployment/identity/server` */
  readonly workload: string
  readonly kind: PausableKind
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
}

/** Who read an object a moment ago may be late; that many times it is read again. */
const ATTEMPTS = 5
/** What reconciles may have begun before it was suspended, and undo one stop after that. */
const REVERTED = 3

async function targetOf(workload: string, pausing: Pausing): Promise<Target> {
  const { kind: kindName, namespace, name } = parseName(workload)
  const kind = kindOf(kindName)
  const resource = await kind.resource(namespace, pausing.client)
  return { ...pausing, workload, kind, resource, namespace, name }
}

/** Stops a workload and waits until its pods are gone. What somebody else stopped stays as it is. */
export async function pauseWorkload(workload: string, pausing: Pausing): Promise<void> {
  const target = await targetOf(workload, pausing)
  if (target.kind.isWaitedFor === true) return await untilEnded(target)
  await pauseKeda(target)
  await stop(target)
  await untilDown(target)
}

/** Once more after somebody reverted it: what stood there before the first stop is what comes back. */
async function stop(target: Target, how: 'first' | 'again' = 'first'): Promise<void> {
  const { kind, workload, context } = target
  await changed(target, async (object) => {
    if (!kind.isRunning(object)) return true
    const { recorded, spec } = kind.stop(object)
    const record = (how === 'again' ? recordIn(object, workload) : undefined) ?? recorded
    return await context.effects.run(`pause ${workload}`, () => patch(target, patchOf(object, record, spec)))
  })
}

/** Starts a workload as it was, and waits until it is ready. What Holdfast did not stop stays as it is. */
export async function resumeWorkload(workload: string, pausing: Pausing): Promise<void> {
  const target = await targetOf(workload, pausing)
  if (target.kind.isWaitedFor === true) return
  let isStopped = false
  await changed(target, (object) => {
    isStopped = !target.kind.isRunning(object) && recordIn(object, workload) === undefined
    return start(object, target)
  })
  // What KEDA had scaled to 0 is at 0 again, and KEDA wakes it when it wants.
  if (!(await resumeKeda(target)) && isStopped)
    tell(target.context, `${workload} was stopped by somebody else, and stays so`)
  await untilReady(target)
}

async function start(object: unknown, target: Target): Promise<boolean> {
  const { kind, workload, context } = target
  const recorded = recordIn(object, workload)
  if (recorded === undefined) return true
  const isStarted = kind.isRunning(object)
  if (isStarted) tell(context, `somebody started ${workload} while it was paused; it stays as it is now`)
  const spec = isStarted ? undefined : kind.start(recorded)
  return await context.effects.run(`resume ${workload}`, () => patch(target, patchOf(object, undefined, spec)))
}

function tell({ progress }: Context, message: string): void {
  progress({ type: 'warning', message })
}

/** Reads the object and changes it, again where somebody else changed it in between. */
async function changed(target: Target, act: (object: unknown) => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) if (await act(await read(target))) return
  throw new Failure('locked', `${target.workload} is changed by somebody else all the time`, {
    hint: 'Suspend what changes it, with suspends of the platform, then run this again.',
  })
}

function patch({ client, resource, name }: Target, body: unknown): Promise<boolean> {
  return client.patch(resource, name, body)
}

async function read({ client, resource, name, workload }: Target): Promise<unknown> {
  const object = await client.get(resource, name)
  if (object !== undefined) return object
  throw new Failure('notFound', `${workload} is not there`, {
    hint: 'Check the namespace and the names in the platform of the app.',
  })
}

async function untilDown(target: Target): Promise<void> {
  const { kind, workload } = target
  let reverted = 0
  let why = ''
  const isDown = async (): Promise<boolean> => {
    const object = await read(target)
    if (kind.isRunning(object)) {
      if ((reverted += 1) > REVERTED) throw startedAgain(workload)
      await stop(target, 'again')
      return false
    }
    const left =
      kind.kind === 'CronJob' ? await runningJobs(object, target) : (await podsOf(object, target)).map(describePod)
    why = left.join(', ')
    return left.length === 0
  }
  if (await waitUntil(isDown, target)) return
  if (kind.kind === 'CronJob') throw jobsStillRun(target, `jobs of ${workload} still run: ${why}`)
  throw new Failure('unreachable', `after ${target.limitSeconds} s pods of ${workload} are still there: ${why}`, {
    hint: 'Look at kubectl describe pod: its node may be away. Then run this again.',
  })
}

/** A job that is deleted once it has ended has ended too. */
async function untilEnded(target: Target): Promise<void> {
  const { client, kind, name, resource, workload } = target
  const isEnded = async (): Promise<boolean> => {
    const object = await client.get(resource, name)
    return object === undefined || !kind.isRunning(object)
  }
  if (!(await waitUntil(isEnded, target))) throw jobsStillRun(target, `${workload} still runs`)
}

function jobsStillRun({ limitSeconds }: Target, what: string): Failure {
  return new Failure('refused', `after ${limitSeconds} s ${what}`, {
    hint: 'Wait until it has ended, or end it by hand; Holdfast deletes no job. Then run this again.',
  })
}

function startedAgain(workload: string): Failure {
  return new Failure('refused', `somebody starts ${workload} again whenever it is stopped`, {
    hint: 'Name what does so in suspends of the platform (Flux, Argo CD), or stop it by hand.',
  })
}

async function podsOf(object: unknown, { kind, namespace, client }: Target): Promise<readonly Pod[]> {
  const { selector, owns } = kind
  if (selector === undefined || owns === undefined) return []
  const pods = await listPods(namespace, selector(object), client)
  return pods.filter((pod) => owns(pod, object) && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed')
}

async function untilReady(target: Target): Promise<void> {
  const { kind, workload, limitSeconds } = target
  let why = ''
  const isReady = async (): Promise<boolean> => {
    const object = await read(target)
    if (!kind.isRunning(object) || kind.isReady(object)) return true
    why = (await podsOf(object, target)).map(describePod).join(', ')
    return false
  }
  if (await waitUntil(isReady, target)) return
  throw new Failure('unreachable', `after ${limitSeconds} s ${workload} is not ready: ${why}`, {
    hint: 'It is started as it was. Look at kubectl describe and at its log.',
  })
}
