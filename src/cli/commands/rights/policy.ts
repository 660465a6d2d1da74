import { Argument, type Command as Commander } from 'commander'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

const PURPOSES = ['capture', 'restore'] as const
type Purpose = (typeof PURPOSES)[number]

const POLICIES = [
  {
    name: 'openbao',
    kind: 'openbao',
    description: 'a policy in HCL for the openbao components of an app; purpose is capture or restore',
  },
  {
    name: 'kubernetes',
    kind: 'kubernetes-secrets',
    description: 'a Role for the kubernetes-secrets components; purpose is capture or restore',
  },
]

export function addPolicy(program: Commander, cli: Cli): void {
  const policies = program.command('policy').description('print the least rights that a server must give')
  for (const { name, kind, description } of POLICIES)
    policies
      .command(name)
      .description(description)
      .addArgument(new Argument('<purpose>').choices(PURPOSES))
      .argument('[app]')
      .action((purpose: Purpose, app: string | undefined, _options: unknown, command: Commander) =>
        run(cli, command, (given) => policy(given, kind, { purpose, app })),
      )
}

interface Wanted {
  readonly purpose: Purpose
  readonly app: string | undefined
}

async function policy({ assembly, result }: Command, kind: string, { purpose, app }: Wanted): Promise<Ending> {
  const { policiesOf } = await import('../../../operations/check/policies.ts')
  const policies = await policiesOf(chooseApp(assembly.apps, app), kind, purpose, assembly.context)
  result({ policies }, () => policies.map(({ policy: text }) => text).join('\n\n'))
  return 'done'
}
