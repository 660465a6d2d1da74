import { Failure, failureKinds } from '../../core/failure.ts'
import type { InitOrder, InitReport } from '../../operations/init/init.ts'
import { planInit, runInit } from '../../operations/init/initialize.ts'
import { formatFindings } from '../print/findings.ts'
import { formatTime } from '../print/format.ts'
import { askNewPassword, passwordOfLockedKeys } from '../ask/passwords.ts'
import { guarded, resultPrinter } from '../run-command.ts'
import type { CommonOptions, World } from '../world.ts'

export interface InitOptions {
  readonly repository?: string
  readonly identityFile?: string
  readonly password: boolean
  readonly from?: string
  readonly at?: string
  readonly endpoint?: string
  readonly region?: string
  readonly ca?: string
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
    const { order } = await planInit({
      ...fromOf(options),
      ...(common.config === undefined ? {} : { configPath: common.config }),
      ...(options.repository === undefined ? {} : { repositoryUrl: options.repository }),
      ...templateOf(options),
      ...(options.identityFile === undefined ? {} : { identityFile: options.identityFile }),
    })
    const password = options.password ? () => askNewPassword(world) : undefined
    const passwords = { password, currentPassword: passwordOfLockedKeys(world) }
    const report = await runInit(order, passwords, world.context(view.show))
    resultPrinter(world, common, view)({ report }, () => textOf(report))
    return report.findings.some(({ level }) => level === 'error') ? failureKinds.incomplete.exit : 0
  })
}

function fromOf({ from, at = 'latest', endpoint, region, ca }: InitOptions): Pick<InitOrder, 'from'> {
  const server = Object.entries({ endpoint, region, ca }).filter(([, value]) => value !== undefined)
  const others = [...server.map(([name]) => name), ...(at === 'latest' ? [] : ['at'])]
  if (from !== undefined) return { from: { url: from, at, ...Object.fromEntries(server) } }
  if (others[0] === undefined) return {}
  throw new Failure('usage', `--${others[0]} needs --from`, { hint: 'Name the repository to read with --from.' })
}

function templateOf({ app, envFile }: InitOptions): Pick<InitOrder, 'template'> {
  if (app !== undefined)
    return { template: { name: app, ...(envFile === undefined ? {} : { environmentFile: envFile }) } }
  if (envFile === undefined) return {}
  throw new Failure('usage', '--env-file is for --app', {
    hint: 'Add --app with the name of the app that it belongs to.',
  })
}

function textOf(report: InitReport): string {
  if (report.from !== undefined) return writtenText(report)
  return [
    report.configWritten
      ? `Wrote ${report.configPath}. Fill in your app there, then run holdfast check.`
      : `Using ${report.configPath}.`,
    ...report.repositories.map(
      ({ name, location, outcome, id }) => `Repository ${name} (${id}) ${outcome} at ${location}`,
    ),
    ...report.copiedIdentities.map(
      ({ name, repository }) => `Private key ${name} is locked in ${repository} now, too, by the password that it has.`,
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

function writtenText({ configPath, from = [], repositories, findings }: InitReport): string {
  return [
    ...from.map(
      ({ app, point, created }) =>
        `Wrote ${configPath} as restore point ${point} of ${app} (${formatTime(created)}) has it.`,
    ),
    ...repositories.map(({ name, location, id }) => `Repository ${name} (${id}) is at ${location}`),
    ...(findings.length === 0 ? [] : ['Still to be set:', formatFindings(findings)]),
    '',
    'Then run holdfast check, and holdfast restore for each app.',
  ].join('\n')
}
