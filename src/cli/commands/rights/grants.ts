import { Argument, type Command as Commander } from 'commander'
import type { GrantsReport } from '../../../operations/grants/grants.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

export function addGrants(program: Commander, cli: Cli): void {
  program
    .command('grants')
    .description('print the SQL that gives the configured roles exactly what a backup or a restore needs')
    .addArgument(new Argument('<purpose>').choices(['backup', 'restore']))
    .argument('[app]')
    .addHelpText(
      'after',
      '\n<purpose> is backup or restore. Nothing is changed; an administrator runs what is printed.',
    )
    .action((purpose: string, name: string | undefined, _options: unknown, command: Commander) =>
      run(cli, command, (given) => grants(given, purpose, name)),
    )
}

async function grants({ assembly, result }: Command, purpose: string, name: string | undefined): Promise<Ending> {
  const { readGrants } = await import('../../../operations/grants/grants.ts')
  const report = await readGrants(chooseApp(assembly.apps, name), purpose, assembly.context)
  result({ report }, () => textOf(report))
  return 'done'
}

function textOf({ app, purpose, components }: GrantsReport): string {
  if (components.length === 0) return `No component of ${app} needs rights that statements give for a ${purpose}.`
  return components.map(({ text }) => text.trimEnd()).join('\n\n')
}
