import type { Command as Commander } from 'commander'
import { exitCodeOf, type Ending } from './ending.ts'
import type { BareCommand, Command } from './run-command.ts'
import type { CommonOptions, CliPorts } from './cli-ports.ts'

/** Set by the command that ran: the exit code the process will end with. */
export interface Outcome {
  exitCode: number
}

/** What each command is declared with. */
export interface Cli {
  readonly ports: CliPorts
  readonly outcome: Outcome
}

/** Runs a command that needs the configuration. What only reads gets repositories that refuse to be changed. */
export async function run(
  { ports, outcome }: Cli,
  command: Commander,
  act: (given: Command) => Promise<Ending>,
  readOnly = false,
): Promise<void> {
  const { runCommand } = await import('./run-command.ts')
  outcome.exitCode = exitCodeOf(await runCommand(ports, { ...common(command), readOnly }, act))
}

/** Runs a command that needs no configuration. */
export async function runBare(
  { ports, outcome }: Cli,
  command: Commander,
  act: (given: BareCommand) => Promise<Ending>,
): Promise<void> {
  const { runBareCommand } = await import('./run-command.ts')
  outcome.exitCode = exitCodeOf(await runBareCommand(ports, common(command), act))
}

function common(command: Commander): CommonOptions {
  return command.optsWithGlobals()
}
