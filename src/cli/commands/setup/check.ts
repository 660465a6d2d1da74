import type { Command as Commander } from 'commander'
import type { CheckReport } from '../../../operations/check/check.ts'
import { chooseApps } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatFindings } from '../../print/findings.ts'
import type { Command } from '../../run-command.ts'

export function addCheck(program: Commander, cli: Cli): void {
  program
    .command('check [app]')
    .description('test everything a backup and a restore will need, and say what could not be tested')
    .action((name: string | undefined, _options: unknown, command: Commander) =>
      run(cli, command, (given) => check(given, name)),
    )
}

async function check({ assembly, result }: Command, name: string | undefined): Promise<Ending> {
  const { executeCheck } = await import('../../../operations/check/check.ts')
  const report = await executeCheck(chooseApps(assembly.apps, name), assembly.context)
  result(report, () => textOf(report))
  return report.ok ? 'done' : 'refused'
}

function textOf(report: CheckReport): string {
  const apps = report.apps.flatMap(({ app, findings }) => [`app ${app}`, formatFindings(findings)])
  const repositories = report.repositories.flatMap(({ repository, findings }) => [
    `repository ${repository}`,
    formatFindings(findings),
  ])
  return [
    ...apps,
    ...repositories,
    'keys',
    formatFindings(report.general),
    '',
    report.ok ? 'A backup can run.' : 'A backup or its restore would FAIL; see the errors above.',
  ].join('\n')
}
