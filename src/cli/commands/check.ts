import { executeCheck, type CheckReport } from '../../operations/check/check.ts'
import { formatFindings } from '../print/findings.ts'
import { chooseApps, type Command } from '../run-command.ts'

/** `holdfast check [app]` */
export async function check(command: Command, name: string | undefined): Promise<number> {
  const { apps, context } = command.assembly
  const report = await executeCheck(chooseApps(apps, name), context)
  command.result(report, () => textOf(report))
  return report.ok ? 0 : 13
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
