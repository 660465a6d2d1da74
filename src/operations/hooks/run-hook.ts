import type { Hook } from '../../config/hooks-schema.ts'
import { Failure, isFailure } from '../../core/failure.ts'
import { within } from '../../platforms/routes/within.ts'
import type { Place } from '../../platforms/place.ts'
import { run } from '../../system/process/run.ts'
import type { App } from '../app.ts'
import type { Context } from '../../core/ports.ts'

type Environment = Readonly<Record<string, string>>

/** Runs a hook to its end, here or in the container that it names. Fails where it does not end with 0 in time. */
export async function runHook(app: App, hook: Hook, environment: Environment, context: Context): Promise<void> {
  if (hook.where !== 'here') return await runInside(app, hook, environment, context)
  const {
    command: [file = '', ...args],
    limitSeconds,
  } = hook
  const limit = limitSeconds * 1000
  await run({ file, args, environment, signal: context.signal, idleLimit: limit, totalLimit: limit })
}

async function runInside(
  app: App,
  { command, limitSeconds, where }: Hook,
  environment: Environment,
  context: Context,
): Promise<void> {
  const what = `${command[0] ?? ''} in a container`
  await within(limitSeconds * 1000, what, context, async (limited) => {
    const place = await placeOf(app, where, limited)
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    const program = await startIn(place, [...variables, ...command], limited)
    program.stdin.end()
    program.stdout.resume()
    const code = await program.ended
    if (code === 0) return
    throw new Failure(
      'toolFailed',
      `${command[0] ?? ''} ended with ${code} in ${place.name}: ${program.stderr().trim()}`,
    )
  })
}

async function placeOf({ name, platform }: App, where: Hook['where'], context: Context): Promise<Place> {
  const inside = platform?.kind.inside
  // The configuration was validated: the platform of the app has containers.
  if (platform === undefined || inside === undefined) throw new Failure('bug', `no platform for a hook of app ${name}`)
  return await inside.find(platform.settings, where, context)
}

/** The platforms start a program with the environment of its container. `env` of the container adds to it. */
async function startIn(place: Place, argv: readonly string[], context: Context) {
  try {
    return await place.start(['env', ...argv], context)
  } catch (error) {
    if (!isFailure(error, 'notFound')) throw error
    throw new Failure('unsupported', `${place.name} has no env, by which a hook is told what it runs for`, {
      cause: error,
      hint: 'Run the hook where env is: in another container, or here.',
    })
  }
}
