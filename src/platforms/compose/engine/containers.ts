import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { parsed, type EngineClient } from './client.ts'
import { refusal, shown } from './failures.ts'

const labels = z.record(z.string(), z.string()).nullish()
const listed = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullish(),
    State: z.string(),
    Labels: labels,
    Created: z.number().default(0),
  }),
)
const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  /** By its hash: the name may mean another by now. */
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number().optional(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({
    Image: z.string(),
    User: z.string().default(''),
    Env: z.array(z.string()).nullish(),
    StopTimeout: z.number().nullish(),
    ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
  }),
  HostConfig: z.object({
    NetworkMode: z.string().default(''),
    PidMode: z.string().default(''),
    IpcMode: z.string().default(''),
    RestartPolicy: z.object({ Name: z.string().default('') }).nullish(),
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().default(''),
        Source: z.string().default(''),
        Destination: z.string(),
      }),
    )
    .nullish(),
  NetworkSettings: z.object({
    Networks: z
      .record(
        z.string(),
        z.object({
          IPAddress: z.string().default(''),
          NetworkID: z.string().default(''),
          Aliases: z.array(z.string()).nullish(),
        }),
      )
      .nullish(),
    /** By the port inside, those that are published on the machine of the engine. */
    Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullish()).nullish(),
  }),
})
export type InspectedContainer = z.infer<typeof inspected>

export interface ListedContainer {
  readonly id: string
  /** Without the slash that the engine puts before it. */
  readonly name: string
  /** The engine's word: `running`, `exited`. */
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
  /** In seconds since 1970, by the clock of the engine. */
  readonly created: number
}

/** One that was found, and its name for messages. */
export interface ContainerRef {
  readonly id: string
  readonly name: string
}

/** All that have these labels, running or not. A label is `key` or `key=value`. */
export async function listContainers(
  wanted: readonly string[],
  engine: EngineClient,
  context: Context,
): Promise<readonly ListedContainer[]> {
  const act = 'list containers'
  const filters = encodeURIComponent(JSON.stringify({ label: wanted }))
  const answer = await engine.call({ method: 'GET', path: `/containers/json?all=1&filters=${filters}`, act }, context)
  return parsed(listed, answer.body, act).map(({ Id, Names, State, Labels, Created }) => ({
    id: Id,
    name: nameOf(Names?.[0] ?? Id.slice(0, 12)),
    state: State,
    labels: Labels ?? {},
    created: Created,
  }))
}

/** Fails with `unreachable` when this very container is gone. */
export async function inspectContainer(
  container: ContainerRef,
  engine: EngineClient,
  context: Context,
): Promise<InspectedContainer> {
  const act = `inspect container ${container.name}`
  const path = `${pathOf(container)}/json`
  const { status, body } = await engine.call({ method: 'GET', path, act, expects: [404] }, context)
  if (status === 404) throw gone(container)
  return parsed(inspected, body, act)
}

/** The engine answers when it is down; by then it was killed if it took longer than it may. */
export async function stopContainer(
  container: ContainerRef,
  { seconds, limit }: { readonly seconds: number | undefined; readonly limit: number },
  engine: EngineClient,
  context: Context,
): Promise<void> {
  const path = `${pathOf(container)}/stop${seconds === undefined ? '' : `?t=${seconds}`}`
  const act = `stop container ${container.name}`
  const { status, body } = await engine.call({ method: 'POST', path, act, limit, expects: [304, 404] }, context)
  // What is not there does not run.
  if (status !== 404 && status >= 400) throw refusal(status, body, act)
}

export async function startContainer(container: ContainerRef, engine: EngineClient, context: Context): Promise<void> {
  const act = `start container ${container.name}`
  const path = `${pathOf(container)}/start`
  const { status } = await engine.call({ method: 'POST', path, act, limit: 120_000, expects: [304, 404] }, context)
  if (status === 404) throw gone(container)
}

/** With its anonymous volumes. The engine may be at it already. */
export async function removeContainer(container: ContainerRef, engine: EngineClient, context: Context): Promise<void> {
  const path = `${pathOf(container)}?force=1&v=1`
  const act = `remove container ${container.name}`
  await engine.call({ method: 'DELETE', path, act, expects: [404, 409] }, context)
}

export function gone({ name, id }: ContainerRef): Failure {
  return new Failure('unreachable', `container ${name} (${id.slice(0, 12)}) is gone; it was removed or replaced`, {
    facts: { gone: true },
    hint: 'Run this again: it then finds the container that took its place.',
  })
}

export function pathOf({ id }: ContainerRef): string {
  return `/containers/${encodeURIComponent(id)}`
}

function nameOf(name: string): string {
  return shown(name.replace(/^\//, ''))
}
