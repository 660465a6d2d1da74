import type { Command as Commander } from 'commander'
import type { ChosenPoint } from '../../../operations/points/open-chosen-point.ts'
import type { SnapshotReport } from '../../../operations/restore/snapshot.ts'
import { confirmByTyping } from '../../ask/confirm.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

interface SnapshotOptions extends ChosenPoint {
  readonly component?: string
  readonly unsealKeysWith?: string
  readonly safetyPoint: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function addOpenbao(program: Commander, cli: Cli): void {
  program
    .command('openbao')
    .description('what only OpenBao has')
    .command('snapshot-restore [app]')
    .description('replace a whole OpenBao server by the raft snapshot of a restore point')
    .option('--at <point>', 'an id, a time, or latest', 'latest')
    .option('--repository <name>', 'read from this repository only')
    .option('--component <name>', 'which openbao component, where there are several')
    .option(
      '--unseal-keys-with <who>',
      'force it onto another cluster; names who keeps the unseal keys of the captured one',
    )
    .option('--no-safety-point', 'do not back up the live server first')
    .option('--dry-run', 'check everything, change nothing')
    .option('--yes', 'do not ask')
    .action((name: string | undefined, options: SnapshotOptions, command: Commander) =>
      run(cli, command, (given) => snapshotRestore(given, name, options)),
    )
}

async function snapshotRestore(command: Command, name: string | undefined, options: SnapshotOptions): Promise<Ending> {
  const { openChosenPoint } = await import('../../../operations/points/open-chosen-point.ts')
  const { restoreSnapshotOf } = await import('../../../operations/restore/snapshot.ts')

  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const { reader } = await openChosenPoint(app, options, context)
  const { component, safetyPoint } = options
  const request = { component, safetyPoint, custody: options.unsealKeysWith }
  const looked = await restoreSnapshotOf(app, reader, { ...request, onlyLook: true }, context)
  command.say(() => textOf(looked, options))
  if (options.dryRun !== true)
    await confirmByTyping(command.ports, app.name, 'replace the whole server', options.yes === true)
  const report =
    options.dryRun === true ? looked : await restoreSnapshotOf(app, reader, { ...request, onlyLook: false }, context)
  command.result({ report }, () => (options.dryRun === true ? 'Nothing was changed.' : textOf(report, options)))
  return report.state === 'other values' ? 'incomplete' : 'done'
}

const STATES: Readonly<Record<SnapshotReport['state'], string>> = {
  'not touched':
    'Everything on this server, in all namespaces, with its tokens, policies and keys, becomes what it was. There is no undo.',
  read: 'The server answers and gives a captured secret.',
  denied: 'The server answers, but does not know this login: tokens, too, are as they were. Log in with one from then.',
  sealed:
    'The server is sealed. Restart it, as it still counts shares as before; then unseal it with the keys of the captured server.',
  'other values': 'The server answers, but gives none of a few captured secrets. Look at it before anybody uses it.',
}

function textOf(report: SnapshotReport, { unsealKeysWith, safetyPoint }: SnapshotOptions): string {
  const { app, point, component, forced, state } = report
  const head = `Raft snapshot of ${component} of ${app} from ${point}${forced ? ', BY FORCE onto another keyring' : ''}`
  const keys = forced ? [`  its unseal keys are with: ${unsealKeysWith ?? ''}`] : []
  const saved =
    state === 'not touched' ? `first: ${safetyPoint ? 'yes' : 'NO'}` : `from before: ${report.safetyPoint ?? 'none'}`
  return [head, ...keys, `  ${STATES[state]}`, `  safety point ${saved}`].join('\n')
}
