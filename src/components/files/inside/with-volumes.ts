import { describe, Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Spawned } from '../../../platforms/through.ts'
import { retry } from '../../../system/retry.ts'
import type { InsideSettings } from '../schema.ts'
import { tarOf } from './look.ts'
import { shellIn, type InsideShell } from './shell.ts'

/** Milliseconds in which a container that has just begun to run may cut a connection. */
const SETTLE = 20_000

export interface Helper {
  readonly shell: InsideShell
  readonly image: string
}

/**
 * Runs `act` with a throw-away container that has the volumes of the folder, read-only, at the same places, and `sh` and `tar`. The
 * container of the app may be stopped, and needs neither. It is removed before this returns; after a crash, by the next one.
 */
export async function inHelper<Result>(
  settings: InsideSettings,
  act: (helper: Helper) => Promise<Result>,
  context: Context,
): Promise<Result> {
  const spawned = await context.effects.run('files: start the helper', () => started(settings, context))
  const { place } = spawned
  try {
    const shell = shellIn(place)
    await requireTar(shell, place.image, context)
    return await act({ shell, image: place.image })
  } finally {
    await context.effects.run('files: remove the helper', () => spawned.remove())
  }
}

async function started({ through, path, helperImage: image }: InsideSettings, context: Context): Promise<Spawned> {
  if (through.spawnWithVolumes === undefined) throw new Failure('bug', `no helper for ${through.name}`)
  try {
    return await through.spawnWithVolumes({ path, image }, context)
  } catch (error) {
    if (!(error instanceof Failure) || context.signal.aborted) throw error
    const message = `no helper reads folder ${path} of ${through.name}: ${error.message}`
    const { kind, facts, hint = NAME_ONE } = error
    throw new Failure(kind, message, { cause: error, facts, hint })
  }
}

const NAME_ONE = 'Name an image that has sh and tar as helperImage, and that the platform has.'

async function requireTar(shell: InsideShell, image: string, context: Context): Promise<void> {
  const mayRetry = (error: unknown): boolean => isFailure(error, 'unreachable')
  try {
    const ask = (): ReturnType<typeof tarOf> => tarOf(shell, context)
    if ((await retry(ask, { ...context, limit: SETTLE, pause: () => 500, mayRetry })) !== 'none') return
  } catch (error) {
    if (!isFailure(error, 'notFound') && !isFailure(error, 'toolFailed')) throw error
    throw lacking(image, describe(error), error)
  }
  throw lacking(image, 'it has no tar')
}

function lacking(image: string, why: string, cause?: unknown): Failure {
  return new Failure('unsupported', `image ${image} is of no use for a helper: ${why}`, { cause, hint: NAME_ONE })
}
