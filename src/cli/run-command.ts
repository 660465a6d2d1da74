import { toFailureUnder } from '../core/cancelled.ts'
import type { Context } from '../core/ports.ts'
import type { Ending } from './ending.ts'
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
 * Runs one command: assembles, calls, prints, and says how it ended. `act` does the same for a finished command, or throws
 * a Failure.
 */
export async function runCommand(
  world: World,
  options: CommonOptions,
  act: (command: Command) => Promise<Ending>,
): Promise<Ending> {
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

/** What a command has at hand that needs no configuration. */
export interface BareCommand extends Pick<Command, 'world' | 'options' | 'result'> {
  readonly context: Context
}

/** Like `runCommand`, for commands that need no configuration. */
export async function runBareCommand(
  world: World,
  options: CommonOptions,
  act: (command: BareCommand) => Promise<Ending>,
): Promise<Ending> {
  return await guarded(world, options, (view) =>
    act({ world, options, context: world.context(view.show), result: resultPrinter(world, options, view) }),
  )
}

async function guarded(
  world: World,
  options: CommonOptions,
  act: (view: ProgressView) => Promise<Ending>,
): Promise<Ending> {
  const view = new ProgressView(world.streams, options.quiet === true, () => performance.now())
  const { signal } = world.context(view.show)
  try {
    const ending = await act(view)
    view.clear()
    // What was asked to stop, and tells so in its report, was stopped.
    return ending !== 'done' && signal.aborted ? 'cancelled' : ending
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

function resultPrinter(world: World, options: CommonOptions, view: ProgressView): Command['result'] {
  return (document, text) => {
    view.clear()
    printResult(world.streams, options.json === true, document, text)
  }
}
