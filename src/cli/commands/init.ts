import { Failure } from '../../core/failure.ts'
import type { InitReport, InitRequest } from '../../operations/init/init.ts'
import { formatFindings } from '../findings.ts'
import { askNewPassword } from '../passwords.ts'
import { guarded, resultPrinter } from '../run-command.ts'
import type { CommonOptions, World } from '../world.ts'

export interface InitOptions {
  readonly repository?: string
  readonly identityFile?: string
  readonly password: boolean
  readonly app?: string
  readonly envFile?: string
}

/** `holdfast init` */
export async function init(world: World, common: CommonOptions, options: InitOptions): Promise<number> {
  return await guarded(world, common, async (view) => {
    if (!options.password && options.identityFile === undefined) {
      throw new Failure('usage', '--no-password needs --identity-file', {
        hint: 'Without either there would be no private key that opens the restore points.',
      })
    }
    const report = await world.init(
      {
        ...(common.config === undefined ? {} : { configPath: common.config }),
        ...(options.repository === undefined ? {} : { repositoryUrl: options.repository }),
        ...templateOf(options),
        ...(options.identityFile === undefined ? {} : { identityFile: options.identityFile }),
        password: options.password ? () => askNewPassword(world) : undefined,
      },
      world.context(view.show),
    )
    resultPrinter(world, common, view)({ report }, () => textOf(report))
    return 0
  })
}

function templateOf({ app, envFile }: InitOptions): Pick<InitRequest, 'template'> {
  if (app !== undefined)
    return { template: { name: app, ...(envFile === undefined ? {} : { environmentFile: envFile }) } }
  if (envFile === undefined) return {}
  throw new Failure('usage', '--env-file is for --app', {
    hint: 'Add --app with the name of the app that it belongs to.',
  })
}

function textOf(report: InitReport): string {
  return [
    report.configWritten
      ? `Wrote ${report.configPath}. Fill in your app there, then run holdfast check.`
      : `Using ${report.configPath}.`,
    ...report.repositories.map(
      ({ name, location, outcome, id }) => `Repository ${name} (${id}) ${outcome} at ${location}`,
    ),
    ...(report.findings.length === 0 ? [] : [formatFindings(report.findings)]),
    ...(report.signer === null ? [] : [`Restore points are signed by    ${report.signer}`]),
    ...(report.recipient === null ? [] : [`and encrypted for               ${report.recipient}`]),
    ...(report.lockedIdentity === null
      ? []
      : [`The private key is in each repository as identity "${report.lockedIdentity}", locked by your password.`]),
    ...(report.identityFile === null
      ? []
      : [
          `The private key is in ${report.identityFile}. Copy it to a safe that does not depend on this host, and delete it here if no drills run here.`,
        ]),
    '',
    'Keep with your emergency papers: the repository, the password or private key, and the signer line above.',
    'Without the password or private key nobody can read the restore points, including you.',
  ].join('\n')
}
