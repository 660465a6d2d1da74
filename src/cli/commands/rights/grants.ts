import { readGrants, type GrantsReport } from '../../../operations/grants/grants.ts'
import { chooseApp, type Command } from '../../run-command.ts'

/** `holdfast grants <backup|restore> [app]` */
export async function grants(command: Command, purpose: string, name: string | undefined): Promise<number> {
  const app = chooseApp(command.assembly.apps, name)
  const report = await readGrants(app, purpose, command.assembly.context)
  command.result({ report }, () => textOf(report))
  return 0
}

function textOf({ app, purpose, components }: GrantsReport): string {
  if (components.length === 0) return `No component of ${app} needs rights that statements give for a ${purpose}.`
  return components.map(({ text }) => text.trimEnd()).join('\n\n')
}
