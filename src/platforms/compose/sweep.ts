import type { Context } from '../../core/ports.ts'
import type { EngineClient } from './engine/client.ts'
import { listContainers, removeContainer, type ContainerRef } from './engine/containers.ts'

/** The label of throw-away containers; its value is the project. */
export const THROW_AWAY = 'holdfast.throw-away'
/** Who makes one starts it at once. Of that age, in seconds, it is of a run that died in between. */
const NEVER_STARTED = 600

/**
 * Removes what runs that died left created and never started: the engine removes only what has ended. What others are about to
 * start is younger. Ages are those between containers, by the clock of the engine alone.
 */
export async function sweepNeverStarted(
  project: string,
  own: ContainerRef,
  engine: EngineClient,
  context: Context,
  age = NEVER_STARTED,
): Promise<void> {
  const all = await listContainers([`${THROW_AWAY}=${project}`], engine, context)
  const now = all.find(({ id }) => id === own.id)?.created ?? 0
  const dead = all.filter(({ id, state, created }) => id !== own.id && state === 'created' && now - created >= age)
  for (const container of dead) await removeContainer(container, engine, context)
}
