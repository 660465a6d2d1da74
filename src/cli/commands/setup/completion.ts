import { Argument, type Command as Commander } from 'commander'
import { runBare, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { BareCommand } from '../../run-command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export function addCompletion(program: Commander, cli: Cli): void {
  program
    .command('completion')
    .description('print a completion script for bash, zsh or fish')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell, _options: unknown, command: Commander) =>
      runBare(cli, command, (given) => printScript(given, shell)),
    )
  // The scripts ask it on each Tab.
  program
    .command('complete [words...]', { hidden: true })
    .action((words: readonly string[], _options: unknown, command: Commander) =>
      runBare(cli, command, (given) => complete(given, program, words)),
    )
}

async function printScript({ ports }: BareCommand, shell: Shell): Promise<Ending> {
  const { completionScripts } = await import('./completion-scripts.ts')
  ports.streams.out(completionScripts[shell])
  return 'done'
}

async function complete({ ports }: BareCommand, program: Commander, words: readonly string[]): Promise<Ending> {
  const { printWords } = await import('./completion-words.ts')
  await printWords(program, words, ports.variable('HOLDFAST_CONFIG'))
  return 'done'
}
