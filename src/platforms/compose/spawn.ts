import type { Socket } from 'node:net'
import { z } from 'zod'
import type { Context } from '../../core/ports.ts'
import { randomHex } from '../../system/random.ts'
import type { Spawned } from '../through.ts'
import { EngineClient, parsed } from './engine/client.ts'
import {
  inspectContainer,
  pathOf,
  removeContainer,
  startContainer,
  type ContainerRef,
  type InspectedContainer,
} from './engine/containers.ts'
import { containerOf, containerOfFiles } from './find.ts'
import { mountsAround, type ContainerMount } from './mounts.ts'
import { ContainerPlace } from './place.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'
import { sweepNeverStarted, THROW_AWAY } from './sweep.ts'

/** What images of databases call the user that their server runs as, where they do not say it themselves. */
const USER = 'postgres'
/** Lives as long as its input is open, which is as long as we live. */
const UNTIL_END_OF_INPUT = ['cat']
const created = z.object({ Id: z.string() })

/** A container of the image of a service: no network, no volume, no variable of it. The engine removes it when it ends. */
export function spawnContainer(settings: ComposeSettings, reach: ComposeReach, context: Context): Promise<Spawned> {
  return spawned(settings, (engine) => createLike(settings, reach, engine, context), context)
}

/** The same with the volumes on which a path lies, as root, so that nothing in them is closed to it. */
export function spawnWithVolumes(
  settings: ComposeSettings,
  reach: ComposeReach,
  path: string,
  context: Context,
): Promise<Spawned> {
  return spawned(settings, (engine) => createWithVolumes(settings, reach, path, engine, context), context)
}

type Create = (engine: EngineClient) => Promise<Created>
interface Created {
  readonly container: ContainerRef
  readonly place: ContainerPlace
}

async function spawned(settings: ComposeSettings, create: Create, context: Context): Promise<Spawned> {
  const engine = new EngineClient(settings)
  const afterwards = { ...context, signal: new AbortController().signal }
  const made: { container?: ContainerRef; socket?: Socket } = {}
  const remove = async (): Promise<void> => {
    made.socket?.destroy()
    if (made.container !== undefined) await removeContainer(made.container, engine, afterwards)
    engine.close()
  }
  try {
    const { container, place } = await create(engine)
    made.container = container
    await sweepNeverStarted(settings.project, container, engine, context)
    // Before it is started: a container whose input was never open would never end.
    const path = `${pathOf(container)}/attach?stream=1&stdin=1`
    const call = { method: 'POST', path, act: `join container ${container.name}`, body: {} } as const
    made.socket = (await engine.upgrade(call, context)).socket
    made.socket.on('error', () => {}).resume()
    await startContainer(container, engine, context)
    return { place, folder: '/tmp/holdfast', remove }
  } catch (error) {
    // What led here says more than that the removal failed too.
    await remove().catch(() => undefined)
    throw error
  }
}

async function createLike(
  settings: ComposeSettings,
  reach: ComposeReach,
  engine: EngineClient,
  context: Context,
): Promise<Created> {
  const live = await inspectContainer(await containerOf(settings, reach, engine, context), engine, context)
  const user = live.Config.User === '' ? USER : live.Config.User
  return await createFrom(settings, { live, user, mounts: [] }, engine, context)
}

async function createWithVolumes(
  settings: ComposeSettings,
  reach: ComposeReach,
  path: string,
  engine: EngineClient,
  context: Context,
): Promise<Created> {
  const live = await inspectContainer(await containerOfFiles(settings, reach, engine, context), engine, context)
  const { on, inner } = mountsAround(path, live.Mounts ?? [])
  const mounts = [...(on === undefined ? [] : [on]), ...inner]
  return await createFrom(settings, { live, user: '0', mounts }, engine, context)
}

interface Wanted {
  readonly live: InspectedContainer
  readonly user: string
  readonly mounts: readonly ContainerMount[]
}

async function createFrom(
  settings: ComposeSettings,
  { live: { Image, Config }, user, mounts }: Wanted,
  engine: EngineClient,
  context: Context,
): Promise<Created> {
  const name = `holdfast-throw-away-${randomHex(6)}`
  const body = {
    Image,
    User: user,
    Entrypoint: UNTIL_END_OF_INPUT,
    Cmd: [],
    OpenStdin: true,
    StdinOnce: true,
    NetworkDisabled: true,
    Labels: { [THROW_AWAY]: settings.project },
    HostConfig: { NetworkMode: 'none', AutoRemove: true, ShmSize: 256 * 1024 * 1024, Mounts: mounts.map(readOnly) },
  }
  const act = `create a container of image ${Config.Image}`
  const answer = await engine.call({ method: 'POST', path: `/containers/create?name=${name}`, act, body }, context)
  const container = { id: parsed(created, answer.body, act).Id, name }
  return { container, place: new ContainerPlace(container, Config.Image, settings) }
}

function readOnly({ Type, Name, Source, Destination }: ContainerMount) {
  return { Type, Source: Type === 'volume' ? Name : Source, Target: Destination, ReadOnly: true }
}
