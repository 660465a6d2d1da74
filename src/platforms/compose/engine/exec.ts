import type { Socket } from 'node:net'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { RunningProgram } from '../../place.ts'
import { parsed, type EngineClient } from './client.ts'
import { gone, pathOf, type ContainerRef } from './containers.ts'
import { shown } from './failures.ts'
import { followProgram } from './program.ts'

const created = z.object({ Id: z.string().min(1) })
const state = z.object({
  Running: z.boolean(),
  ExitCode: z.number().nullish(),
  Pid: z.number().nullish(),
})
type ExecState = z.infer<typeof state>

/** An engine may tell the end of a program a little later than the end of its output. */
const END_LIMIT = 3000
const START_LIMIT = 60_000
const LONGEST_WORDS = 4096

/** Starts a program in a container. Fails with `notFound` where the program is not there, and with `unreachable` where the container is. */
export async function startProgram(
  argv: readonly [string, ...string[]],
  container: ContainerRef,
  engine: EngineClient,
  context: Context,
): Promise<RunningProgram> {
  const id = await createExec(argv, container, engine, context)
  const call = { method: 'POST', path: `/exec/${id}/start`, act: actOf(argv, container) } as const
  const { socket } = await engine
    .upgrade({ ...call, body: { Detach: false, Tty: false } }, context)
    .catch((error: unknown) => {
      // Podman says it in place of the stream, Docker in the stream.
      throw isMissing(error) ? notThere(argv, container, error.message) : error
    })
  try {
    const begun = await untilStarted(id, argv, container, engine, context)
    if (!begun) throw notStarted(argv, container, await wordsOf(socket))
  } catch (error) {
    socket.destroy()
    throw error
  }
  const name = `program ${argv[0]} in container ${container.name}`
  // Asked once more when the output has ended: only the engine knows whether the program has.
  const exitCode = (): Promise<number> => untilEnded(id, name, container, engine, context)
  return followProgram(socket, { name, exitCode, signal: context.signal })
}

async function createExec(
  argv: readonly string[],
  container: ContainerRef,
  engine: EngineClient,
  context: Context,
): Promise<string> {
  const act = actOf(argv, container)
  const body = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: argv }
  const path = `${pathOf(container)}/exec`
  const answer = await engine.call({ method: 'POST', path, act, body, expects: [404, 409] }, context)
  if (answer.status === 404) throw gone(container)
  if (answer.status === 409) throw notRunning(container)
  return encodeURIComponent(parsed(created, answer.body, act).Id)
}

function actOf([file = '']: readonly string[], { name }: ContainerRef): string {
  return `run ${shown(file)} in container ${name}`
}

async function stateOf(
  id: string,
  container: ContainerRef,
  engine: EngineClient,
  context: Context,
): Promise<ExecState> {
  const act = `ask for a program in container ${container.name}`
  const { status, body } = await engine.call({ method: 'GET', path: `/exec/${id}/json`, act, expects: [404] }, context)
  if (status === 404) throw gone(container)
  return parsed(state, body, act)
}

/** False when the engine could not start it. A program that has its number was started, however it ended. */
async function untilStarted(
  id: string,
  argv: readonly string[],
  container: ContainerRef,
  engine: EngineClient,
  context: Context,
): Promise<boolean> {
  for (let waited = 0; waited < START_LIMIT; waited += pauseAfter(waited)) {
    const { Running, ExitCode, Pid } = await stateOf(id, container, engine, context)
    if ((Pid ?? 0) > 0) return true
    if (!Running && typeof ExitCode === 'number') return ExitCode !== 126 && ExitCode !== 127
    await context.clock.sleep(pauseAfter(waited), context.signal)
  }
  throw new Failure(
    'unreachable',
    `container engine: to ${actOf(argv, container)} was not done within ${START_LIMIT / 1000} s`,
  )
}

async function untilEnded(
  id: string,
  name: string,
  container: ContainerRef,
  engine: EngineClient,
  context: Context,
): Promise<number> {
  for (let waited = 0; waited < END_LIMIT; waited += pauseAfter(waited)) {
    const { Running, ExitCode } = await stateOf(id, container, engine, context)
    if (!Running && typeof ExitCode === 'number') return ExitCode
    await context.clock.sleep(pauseAfter(waited), context.signal)
  }
  throw new Failure('unreachable', `${name}: the connection was cut, and the program still runs`, {
    hint: 'Run this again. If a proxy is before the engine, check how long it keeps quiet connections.',
  })
}

function pauseAfter(waited: number): number {
  return waited < 100 ? 10 : 50
}

/** What the engine says in the place of the program's output. */
async function wordsOf(socket: Socket): Promise<string> {
  let bytes = Buffer.alloc(0)
  socket.setTimeout(1000, () => socket.destroy())
  socket.on('error', () => undefined)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    if (bytes.length > LONGEST_WORDS) break
  }
  return shown(bytes.subarray(8).toString('utf8'))
}

function notStarted(argv: readonly string[], container: ContainerRef, words: string): Failure {
  const act = actOf(argv, container)
  if (NOT_THERE.test(words)) return notThere(argv, container, words)
  if (/not running|paused/i.test(words)) return notRunning(container)
  return new Failure('toolFailed', `container engine: to ${act} was not possible: ${words}`)
}

const NOT_THERE = /not found|no such file/i

function isMissing(error: unknown): error is Failure {
  return error instanceof Failure && (error.facts['status'] ?? 0) !== 404 && NOT_THERE.test(error.message)
}

function notThere(argv: readonly string[], { name }: ContainerRef, words: string): Failure {
  return new Failure('notFound', `${shown(argv[0] ?? '')} is not there in container ${name}`, {
    facts: { engine: words },
  })
}

function notRunning({ name }: ContainerRef): Failure {
  return new Failure('unreachable', `container ${name} does not run`, {
    hint: `Start it, then run this again: docker start ${name}`,
  })
}
