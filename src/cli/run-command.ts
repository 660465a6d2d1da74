import { toFailureUnder } from '../core/cancelled.ts'
import type { Context } from '../core/ports.ts'
import type { Ending } from './ending.ts'
import { printFailure, printResult } from './print/output.ts'
import { ProgressView } from './print/progress.ts'
import { wrapSentences } from './print/wrap.ts'
import type { Assembly } from '../operations/assembly.ts'
import { ToldRun, type Announced } from './told-run.ts'
import type { CommonOptions, CliPorts } from './cli-ports.ts'

/** What a command has at hand while it runs. */
export interface Command {
  readonly ports: CliPorts
  readonly assembly: Assembly
  readonly options: CommonOptions
  /** Prints the result: the document with `--json`, the text otherwise. */
  readonly result: (document: unknown, text: () => string) => void
  /** Shows people something before the result, below what is drawn of the progress. Nothing with `--json`. */
  readonly say: (text: () => string) => void
  /** To be called before the work begins, by what alarms are to be told of. */
  readonly announce: (announced: Announced) => void
}

/**
 * Runs one command: assembles, calls, prints, and says how it ended. `act` does the same for a finished command, or throws
 * a Failure.
 */
export async function runCommand(
  ports: CliPorts,
  options: CommonOptions,
  act: (command: Command) => Promise<Ending>,
): Promise<Ending> {
  return await guarded(ports, options, async (view) => {
    const context = ports.context(view.show)
    const assembly = await ports.assemble(options, context)
    try {
      for (const message of assembly.warnings) view.show({ type: 'warning', message })
      return await told(new ToldRun(assembly.alarms, context), (run) => {
        const print = resultPrinter(ports, options, view)
        const result: Command['result'] = (document, text) => {
          run.printed(text)
          print(document, text)
        }
        return act({ ports, assembly, options, result, say: sayer(ports, options, view), announce: run.announce })
      })
    } finally {
      await assembly.close()
    }
  })
}

async function told(run: ToldRun, act: (run: ToldRun) => Promise<Ending>): Promise<Ending> {
  let ending: Ending
  try {
    ending = await act(run)
  } catch (error) {
    await run.failed(error)
    throw error
  }
  return await run.ended(ending)
}

/** What a command has at hand that needs no configuration. */
export interface BareCommand extends Pick<Command, 'ports' | 'options' | 'result'> {
  readonly context: Context
}

/** Like `runCommand`, for commands that need no configuration. */
export async function runBareCommand(
  ports: CliPorts,
  options: CommonOptions,
  act: (command: BareCommand) => Promise<Ending>,
): Promise<Ending> {
  return await guarded(ports, options, (view) =>
    act({ ports, options, context: ports.context(view.show), result: resultPrinter(ports, options, view) }),
  )
}

async function guarded(
  ports: CliPorts,
  options: CommonOptions,
  act: (view: ProgressView) => Promise<Ending>,
): Promise<Ending> {
  const view = new ProgressView(ports.streams, options.quiet === true, () => performance.now())
  const { signal } = ports.context(view.show)
  try {
    const ending = await act(view)
    view.clear()
    // What was asked to stop, and tells so in its report, was stopped.
    return ending !== 'done' && signal.aborted ? 'cancelled' : ending
  } catch (error) {
    view.clear()
    return printFailure(ports.streams, options.json === true, toFailureUnder(error, signal))
  }
}

function sayer(ports: CliPorts, options: CommonOptions, view: ProgressView): Command['say'] {
  return (text) => {
    view.clear()
    // A plan that somebody is to agree to is shown also to who wants quiet.
    const isSilent = options.quiet === true && options.yes === true
    if (options.json !== true && !isSilent) ports.streams.error(`${wrapSentences(text(), ports.streams.width)}\n`)
  }
}

function resultPrinter(ports: CliPorts, options: CommonOptions, view: ProgressView): Command['result'] {
  return (document, text) => {
    view.clear()
    printResult(ports.streams, options.json === true, document, text)
  }
}
