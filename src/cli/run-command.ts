import { toFailureUnder } from '../core/cancelled.ts'
import { Failure, failureKinds } from '../core/failure.ts'
import type { App } from '../operations/app.ts'
import { printFailure, printResult } from './print/output.ts'
import { ProgressView } from './print/progress.ts'
import { wrapSentences } from './print/wrap.ts'
import type { Assembly } from '../operations/assembly.ts'
import type { CommonOptions, World } from './world.ts'

/** What a command has at hand while it runs. */
export interface Command {
  readonly world: World
  readonly assembly: Assembly
  readonly options: CommonOptions
  /** Prints the result: the document with `--json`, the text otherwise. */
  readonly result: (document: unknown, text: () => string) => void
  /** Shows people something before the result, below what is drawn of the progress. Nothing with `--json`. */
  readonly say: (text: () => string) => void
}

/**
 * Runs one command: assembles, calls, prints, and gives the exit code. `act` returns the exit code of a finished command
 * (0 done, 3 incomplete, …) or throws a Failure.
 */
export async function runCommand(
  world: World,
  options: CommonOptions,
  act: (command: Command) => Promise<number>,
): Promise<number> {
  return await guarded(world, options, async (view) => {
    const context = world.context(view.show)
    const assembly = await world.assemble(options, context)
    for (const message of assembly.warnings) view.show({ type: 'warning', message })
    return await act({
      world,
      assembly,
      options,
      result: resultPrinter(world, options, view),
      say: sayer(world, options, view),
    })
  })
}

/** Like `runCommand`, for commands that need no configuration. */
export async function guarded(
  world: World,
  options: CommonOptions,
  act: (view: ProgressView) => Promise<number>,
): Promise<number> {
  const view = new ProgressView(world.streams, options.quiet === true, () => performance.now())
  const { signal } = world.context(view.show)
  try {
    const code = await act(view)
    view.clear()
    // What was asked to stop, and tells so in its report, was stopped.
    return code !== 0 && signal.aborted ? failureKinds.cancelled.exit : code
  } catch (error) {
    view.clear()
    return printFailure(world.streams, options.json === true, toFailureUnder(error, signal))
  }
}

function sayer(world: World, options: CommonOptions, view: ProgressView): Command['say'] {
  return (text) => {
    view.clear()
    // A plan that somebody is to agree to is shown also to who wants quiet.
    const isSilent = options.quiet === true && options.yes === true
    if (options.json !== true && !isSilent) world.streams.error(`${wrapSentences(text(), world.streams.width)}\n`)
  }
}

export function resultPrinter(world: World, options: CommonOptions, view: ProgressView): Command['result'] {
  return (document, text) => {
    view.clear()
    printResult(world.streams, options.json === true, document, text)
  }
}

/** The app with this name, or the only one when no name is given. */
export function chooseApp(apps: readonly App[], name: string | undefined): App {
  const [only, ...others] = apps
  if (name === undefined && only !== undefined && others.length === 0) return only
  const found = apps.find((app) => app.name === name)
  if (found !== undefined) return found
  const known = apps.map((app) => app.name).join(', ')
  if (name === undefined) throw new Failure('usage', 'which app?', { hint: `Name one of: ${known}.` })
  throw new Failure('notFound', `no app ${JSON.stringify(name)} in the configuration`, { hint: `There is: ${known}.` })
}

/** The named app, or all of them. */
export function chooseApps(apps: readonly App[], name: string | undefined): readonly App[] {
  return name === undefined ? apps : [chooseApp(apps, name)]
}
