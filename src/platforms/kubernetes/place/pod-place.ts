import type { Duplex } from 'node:stream'
import { toFailureUnder } from '../../../core/cancelled.ts'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Address, Place, RunningProgram } from '../../place.ts'
import type { KubernetesClient } from '../client.ts'
import { accessTo, withCluster } from '../connect.ts'
import type { KubernetesSettings } from '../schema.ts'
import { execIn, type ExecTarget, type StartedProgram } from '../streams/exec.ts'
import { forwardTo } from '../streams/port-forward.ts'
import { endingOf, isAlive, listPods, readPod, type Pod } from './pod.ts'
import { readVariable } from './variable.ts'

export interface PinnedPod extends ExecTarget {
  readonly uid: string
  /** By which labels it was found, and what that is called; absent for one that is named. */
  readonly found?: { readonly selector: string; readonly words: string }
}

type Argv = readonly [string, ...string[]]
/** Milliseconds in which a program that is not there is told. Nothing tells that one started. */
const SETTLE = 1_000

/** A container of a pod, pinned by the uid of the pod, and only as long as the pod has the labels by which it was found. */
export class PodPlace implements Place {
  readonly name: string
  readonly image: string
  readonly #settings: KubernetesSettings
  readonly #pinned: PinnedPod
  /** Programs that were seen there need no more waiting. */
  readonly #seen = new Set<string>()

  constructor(settings: KubernetesSettings, pinned: PinnedPod, image: string) {
    this.name = `pod ${pinned.namespace}/${pinned.pod}, container ${pinned.container}`
    this.image = image
    this.#settings = settings
    this.#pinned = pinned
  }

  async addresses(port: number, context: Context): Promise<readonly Address[]> {
    const { status } = await this.#pod(context)
    const addresses = status.podIPs?.map(({ ip }) => ip) ?? (status.podIP == null ? [] : [status.podIP])
    return addresses.map((host) => ({ host, port }))
  }

  async forward(port: number, context: Context): Promise<Duplex> {
    return await this.#pinnedAct(context, async () => {
      const stream = await forwardTo(await accessTo(this.#settings, context), { ...this.#pinned, port }, context)
      return [stream, () => stream.destroy()]
    })
  }

  async start(argv: Argv, context: Context): Promise<RunningProgram> {
    const program = await this.#pinnedAct<StartedProgram>(context, async () => {
      const started = await execIn(await accessTo(this.#settings, context), this.#pinned, argv, context)
      return [started, () => started.stop()]
    })
    if (!this.#seen.has(argv[0])) await this.#settled(program, argv[0])
    return program
  }

  async variable(name: string, context: Context): Promise<string | undefined> {
    const pod = await this.#pod(context)
    return await withCluster(this.#settings, context, (client) =>
      readVariable(name, pod, this.#pinned.container, { client, place: this, context }),
    )
  }

  /** Waits for the first sign of a program; one that is silent for long enough is there. */
  async #settled(program: StartedProgram, name: string): Promise<void> {
    const timer = Promise.withResolvers<undefined>()
    const waiting = setTimeout(() => timer.resolve(undefined), SETTLE)
    await Promise.race([program.firstSign, timer.promise])
    clearTimeout(waiting)
    await Promise.race([program.ended, Promise.resolve()])
    this.#seen.add(name)
  }

  /** The uid is compared before and after a connection was made by name, so that it is never one to a successor. */
  async #pinnedAct<Result>(context: Context, open: () => Promise<[Result, () => void]>): Promise<Result> {
    await this.#pod(context)
    const [result, close] = await open()
    try {
      await this.#pod(context)
      return result
    } catch (error) {
      close()
      throw error
    }
  }

  async #pod(context: Context): Promise<Pod> {
    try {
      return await withCluster(this.#settings, context, (client: KubernetesClient) => this.#read(client))
    } catch (error) {
      throw toFailureUnder(error, context.signal)
    }
  }

  /** After a failover the pod may run on, and what is written to it would be lost. */
  async #read(client: KubernetesClient): Promise<Pod> {
    const { namespace, pod: name, uid, found } = this.#pinned
    const labelled = found === undefined ? [] : await listPods(namespace, found.selector, client)
    const pod = labelled.find(({ metadata }) => metadata.uid === uid) ?? (await readPod(namespace, name, client))
    if (pod === undefined) throw this.#lost('is gone')
    if (pod.metadata.uid !== uid) throw this.#lost('was replaced by another pod of this name')
    // The server in it ends, or has ended, and none is started in this pod any more.
    if (!isAlive(pod)) throw this.#lost(endingOf(pod))
    if (found !== undefined && !labelled.includes(pod)) throw this.#lost(`is not ${found.words} any more`)
    return pod
  }

  #lost(says: string): Failure {
    return new Failure('unreachable', `${this.name} ${says}`, {
      facts: { gone: true },
      hint: 'Run this again: it finds the pod that is there now.',
    })
  }
}
