import { Argument, type Command as Commander } from 'commander'
import type { RightsPurpose } from '../../../operations/grants/rights.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

const OF_COMPONENTS = ['backup', 'drill', 'restore'] as const
const OF_PLATFORMS = [...OF_COMPONENTS, 'guardian'] as const

const KINDS = [
  { name: 'openbao', purposes: OF_COMPONENTS, description: 'a policy in HCL for the openbao components of an app' },
  {
    name: 'kubernetes',
    purposes: OF_PLATFORMS,
    description: 'Role and RoleBinding for the cluster that an app runs in',
  },
  {
    name: 'compose',
    purposes: OF_PLATFORMS,
    description: 'what a proxy before the socket of the container engine lets pass',
  },
  { name: 'host', purposes: OF_PLATFORMS, description: 'rules of sudo for the units of systemd of an app' },
] as const

export function addRights(program: Commander, cli: Cli): void {
  const rights = program.command('rights').description('print the least rights that a server or platform must give')
  for (const { name, purposes, description } of KINDS)
    rights
      .command(name)
      .description(description)
      .addArgument(new Argument('<purpose>', 'what Holdfast is to do').choices(purposes))
      .argument('[app]')
      .action((purpose: RightsPurpose, app: string | undefined, _options: unknown, command: Commander) =>
        run(cli, command, (given) => print(given, name, { purpose, app })),
      )
}

interface Wanted {
  readonly purpose: RightsPurpose
  readonly app: string | undefined
}

async function print({ assembly, result }: Command, kind: string, { purpose, app }: Wanted): Promise<Ending> {
  const { rightsOf } = await import('../../../operations/grants/rights.ts')
  const rights = await rightsOf(chooseApp(assembly.apps, app), kind, purpose, assembly.context)
  result({ rights }, () => rights.map(({ text }) => text.trimEnd()).join('\n\n'))
  return 'done'
}
