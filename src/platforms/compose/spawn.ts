import type { Socket } from 'node:net'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { randomHex } from '../../system/random.ts'
import { mountsAround } from '../mounts-around.ts'
import { isOwnerGone, throwAwayOwner } from '../throw-away-owner.ts'
import type { Spawned, VolumesWanted } from '../through.ts'
import { EngineClient, parsed } from './engine/client.ts'
import {
  inspectContainer,
  listContainers,
  pathOf,
  startContainer,
  type ContainerRef,
  type InspectedContainer,
} from './engine/containers.ts'
import { shown } from './engine/failures.ts'
import { containerOf, containerOfFiles } from './find.ts'
import type { ContainerMount } from './mounts.ts'
import { ContainerPlace } from './place.ts'
import type { ComposeReach, ComposeSettings } from './schema.ts'

/** What images of databases call the user that their server runs as, where they do not say it themselves. */
const USER = 'postgres'
/** Lives as long as its input is open, which is as long as we live. */
const UNTIL_END_OF_INPUT = ['cat']
const LABEL = 'holdfast.throw-away'
const OWNER = 'holdfast.owner'
const created = z.object({ Id: z.string() })

/** A container of the image of a service: no network, no volume, no variable of it. The engine removes it when it ends. */
export function spawnContainer(settings: ComposeSettings, reach: ComposeReach, context: Context): Promise<Spawned> {
  return spawned(settings, (engine) => createLike(settings, reach, engine, context), context)
}

/** The same with the volumes on which a path lies, as root, so that nothing in them is closed to it. Pulls no image. */
export function spawnWithVolumes(
  settings: ComposeSettings,
  reach: ComposeReach,
  wanted: VolumesWanted,
  context: Context,
): Promise<Spawned> {
  return spawned(settings, (engine) => createWithVolumes(settings, reach, wanted, engine, context), context)
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
    await removeDead(settings, engine, context)
    const { container, place } = await create(engine)
    made.container = container
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
  { path, image }: VolumesWanted,
  engine: EngineClient,
  context: Context,
): Promise<Created> {
  const container = await containerOfFiles(settings, reach, engine, context)
  const live = await inspectContainer(container, engine, context)
  const { on, inner } = mountsAround(path, live.Mounts ?? [], ({ Destination }) => Destination)
  if (on === undefined || !outlives(on)) throw noVolume(path, container)
  return await createFrom(
    settings,
    { live, user: '0', mounts: [on, ...inner.filter(outlives)], image },
    engine,
    context,
  )
}

/** What is in memory is gone with the container, and another has its own. */
function outlives({ Type }: ContainerMount): boolean {
  return Type === 'volume' || Type === 'bind'
}

function noVolume(path: string, { name }: ContainerRef): Failure {
  return new Failure('unsupported', `${path} lies on no volume of container ${name}`, {
    hint: 'Name a folder that lies on a volume, or write via: tar.',
  })
}

interface Wanted {
  readonly live: InspectedContainer
  readonly user: string
  readonly mounts: readonly ContainerMount[]
  /** In place of that of the container. */
  readonly image?: string | undefined
}

async function createFrom(
  settings: ComposeSettings,
  { live: { Image, Config }, user, mounts, image }: Wanted,
  engine: EngineClient,
  context: Context,
): Promise<Created> {
  const name = `holdfast-throw-away-${randomHex(6)}`
  const body = {
    Image: image ?? Image,
    User: user,
    Entrypoint: UNTIL_END_OF_INPUT,
    Cmd: [],
    OpenStdin: true,
    StdinOnce: true,
    NetworkDisabled: true,
    Labels: { [LABEL]: settings.project, [OWNER]: await throwAwayOwner() },
    HostConfig: { NetworkMode: 'none', AutoRemove: true, ShmSize: 256 * 1024 * 1024, Mounts: mounts.map(readOnly) },
  }
  const shownImage = shown(image ?? Config.Image)
  const act = `create a container of image ${shownImage}`
  const call = { method: 'POST', path: `/containers/create?name=${name}`, act, body, expects: [404] } as const
  const answer = await engine.call(call, context)
  if (answer.status === 404) throw noImage(shownImage)
  const container = { id: parsed(created, answer.body, act).Id, name }
  return { container, place: new ContainerPlace(container, shownImage, settings) }
}

function noImage(image: string): Failure {
  return new Failure('notFound', `the container engine has no image ${image}`, {
    hint: 'Holdfast pulls no image. Pull it on the machine of the engine, or name another.',
  })
}

/** Whose process has died: one that was created and not started has no input whose end would remove it. */
async function removeDead({ project }: ComposeSettings, engine: EngineClient, context: Context): Promise<void> {
  for (const { id, name, labels } of await listContainers([`${LABEL}=${project}`], engine, context)) {
    if (await isOwnerGone(labels[OWNER])) await removeContainer({ id, name }, engine, context)
  }
}

function readOnly({ Type, Name, Source, Destination }: ContainerMount) {
  return { Type, Source: Type === 'volume' ? Name : Source, Target: Destination, ReadOnly: true }
}

/** The engine may be at it already, as its input has ended. */
async function removeContainer(container: ContainerRef, engine: EngineClient, context: Context): Promise<void> {
  const path = `${pathOf(container)}?force=1&v=1`
  const act = `remove container ${container.name}`
  await engine.call({ method: 'DELETE', path, act, expects: [404, 409] }, context)
}
