import type { Command as Commander } from 'commander'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

/** `undelete`, which takes a removal back, beside `hold` and `release`, which prune looks at. */
export function addKeep(program: Commander, cli: Cli): void {
  addUndelete(program, cli)
  for (const [act, description] of HOLDS)
    program
      .command(`${act} <point>`)
      .description(description)
      .action((point: string, _options: unknown, command: Commander) =>
        run(cli, command, (given) => hold(given, point, act)),
      )
}

const HOLDS = [
  ['hold', 'never prune this restore point'],
  ['release', 'let prune remove this restore point again'],
] as const

function addUndelete(program: Commander, cli: Cli): void {
  program
    .command('undelete <point>')
    .description('bring back a restore point that was removed less than 72 hours ago')
    .action((point: string, _options: unknown, command: Commander) =>
      run(cli, command, (given) => undelete(given, point)),
    )
}

async function hold({ assembly, result }: Command, point: string, act: 'hold' | 'release'): Promise<Ending> {
  const { holdPoint } = await import('../../../operations/keep/keep.ts')
  const report = await holdPoint(assembly.apps, point, act, assembly.context)
  const said = act === 'hold' ? 'held: prune leaves it alone' : 'released'
  result({ report }, () => `Restore point ${report.point} is ${said} in ${report.repositories.join(', ')}.`)
  return 'done'
}

async function undelete({ assembly, result }: Command, point: string): Promise<Ending> {
  const { undeletePoint } = await import('../../../operations/keep/keep.ts')
  const report = await undeletePoint(assembly.apps, point, assembly.context)
  result({ report }, () => `Restore point ${report.point} is back in ${report.repositories.join(', ')}.`)
  return 'done'
}
