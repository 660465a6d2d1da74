import { printFailure } from './cli/print/output.ts'
import { describe, Failure } from './core/failure.ts'
import { makeProgram } from './cli/program.ts'
import { runProgram } from './cli/run-program.ts'
import type { Outcome } from './cli/cli.ts'
import { exitCodeOf } from './cli/ending.ts'
import type { CliPorts } from './cli/cli-ports.ts'
import { interruptSignal } from './system/process/interrupt.ts'
import { LastResort } from './system/process/last-resort.ts'
import { StandardStream } from './system/process/standard-stream.ts'
import { softwareVersion } from './system/process/software.ts'
import { environmentVariable } from './system/environment.ts'
import { systemClock } from './system/clock.ts'
import { directEffects } from './system/effects.ts'

// The wiring is loaded by the first command that needs it: help must not wait for the S3 client.
const signal = interruptSignal()
const outcome: Outcome = { exitCode: 0 }
const [output, errors] = [new StandardStream(process.stdout), new StandardStream(process.stderr)]
const ports: CliPorts = {
  streams: {
    out: (text) => output.write(text),
    error: (text) => errors.write(text),
    terminal: process.stderr.isTTY,
    width: widthOf(process.stderr),
    resultWidth: widthOf(process.stdout),
  },
  context: (progress) => ({ clock: systemClock, effects: directEffects, signal, progress }),
  assemble: async (options, context) => {
    const { assemble } = await import('./assemble/assemble.ts')
    const { passwordOfLockedKeys } = await import('./cli/ask/passwords.ts')
    const { toBackground } = await import('./system/process/priority.ts')
    const isAsked = environmentVariable('HOLDFAST_PASSWORD') === undefined
    return await assemble(options, { password: passwordOfLockedKeys(ports), isAsked, toBackground }, context)
  },
  withScratchFolder: async (act) => (await import('./system/files/temporary-folder.ts')).withTemporaryFolder(act),
  variable: environmentVariable,
  ask: {
    password: async (question, variable) => (await import('./cli/ask/ask.ts')).askPassword(question, signal, variable),
    text: async (question) => (await import('./cli/ask/ask.ts')).askText(question, signal),
  },
}

/** Some terminals say 0. */
function widthOf({ columns }: { readonly columns?: number }): number | undefined {
  return columns !== undefined && columns >= 40 ? columns : undefined
}

const lastResort = new LastResort((error) => {
  const failure = new Failure('bug', `ended by an error that nobody expected: ${describe(error)}`, {
    cause: error,
    hint: 'This is a defect in Holdfast. Please report it with the command you ran. Run it again: what was begun is told, and how to go on.',
  })
  return exitCodeOf(printFailure(ports.streams, process.argv.includes('--json'), failure))
})

// Not process.exit(): output that a pipe has not taken yet would be lost.
process.exitCode = await runProgram(makeProgram(ports, softwareVersion(), outcome), process.argv.slice(2), outcome)
lastResort.done()
const missing = await output.missing()
if (missing !== undefined) {
  errors.write(
    `holdfast: standard output is not complete: ${missing}\n  The command itself ended with ${process.exitCode}.\n`,
  )
  process.exitCode ||= exitCodeOf('toolFailed')
}
