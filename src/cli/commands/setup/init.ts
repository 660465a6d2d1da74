import { Option, type Command as Commander } from 'commander'
import { Failure } from '../../../core/failure.ts'
import type { InitOrder } from '../../../operations/init/init.ts'
import type { AskedInit } from '../../../operations/init/initialize.ts'
import { askNewPassword, passwordOfLockedKeys } from '../../ask/passwords.ts'
import { runBare, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { BareCommand } from '../../run-command.ts'

interface InitOptions {
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
  readonly profile?: string
  readonly namespace?: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly compose?: string
  readonly engine?: string
  readonly host?: boolean
}

export function addInit(program: Commander, cli: Cli): void {
  withPlaceOptions(withFromOptions(program.command('init')))
    .description('write a starting configuration, make keys, and create its repositories')
    .option('--repository <url>', 'where restore points go: file:///srv/holdfast or s3://bucket/prefix')
    .addOption(
      new Option('--app <name>', 'begin with the components, checks and key proof of this app').choices([
        'certctl',
        'authentik',
        'zitadel',
      ]),
    )
    .option('--env-file <file>', 'where that app has its own settings, if not in the usual place')
    .option('--identity-file <file>', 'also write the private key to this file (mode 0600), for drills on this host')
    .option('--no-password', 'lock no private key into the repository; needs --identity-file')
    .addHelpText(
      'after',
      '\nRun it twice: once to get a configuration to edit, and again after editing to create the repositories it names.' +
        '\nA repository that is added later gets the private keys of the others of its app, after their password opened one.',
    )
    .action((options: InitOptions, command: Commander) => runBare(cli, command, (given) => init(given, options)))
}

function withFromOptions(init: Commander): Commander {
  return init
    .option('--from <url>', 'on a new host: write the configuration that the restore points of this repository carry')
    .option('--at <point>', 'with --from: of latest (default), an id, or a time')
    .option(
      '--endpoint <url>',
      'with --from, S3: the server, when it is not AWS; keys come from where the AWS tools look',
    )
    .option('--region <region>', 'with --from, S3: the region')
    .option('--ca <file>', "with --from, S3: file with the CA certificates that sign the server's")
}

function withPlaceOptions(init: Commander): Commander {
  return init
    .option(
      '--profile <name>',
      'look for this app where it runs, and write a configuration for it: authentik, zitadel, kleidia, certctl or generic',
    )
    .option('--namespace <name>', 'with --profile: a namespace of Kubernetes')
    .option('--kubeconfig <file>', 'with --namespace: the kubeconfig, if not the one that kubectl takes')
    .option('--context <name>', 'with --namespace: a context of the kubeconfig')
    .option('--compose <project>', 'with --profile: a project of docker compose, or the path of its compose file')
    .option(
      '--engine <address>',
      'with --compose: unix:///path of the socket of the container engine, or tcp://host:port',
    )
    .option('--host', 'with --profile: units of systemd and files of this host')
}

async function init(
  { ports, options: { config }, context, result }: BareCommand,
  options: InitOptions,
): Promise<Ending> {
  const { planInit, runInit } = await import('../../../operations/init/initialize.ts')
  const { initText } = await import('./init-text.ts')
  if (!options.password && options.identityFile === undefined) {
    throw new Failure('usage', '--no-password needs --identity-file', {
      hint: 'Without either there would be no private key that opens the restore points.',
    })
  }
  const { order } = await planInit(
    {
      ...fromOf(options),
      ...(config === undefined ? {} : { configPath: config }),
      ...(options.repository === undefined ? {} : { repositoryUrl: options.repository }),
      ...templateOf(options),
      ...findOf(options),
      ...(options.identityFile === undefined ? {} : { identityFile: options.identityFile }),
    },
    context,
  )
  const password = options.password ? () => askNewPassword(ports) : undefined
  const report = await runInit(order, { password, currentPassword: passwordOfLockedKeys(ports) }, context)
  result({ report }, () => initText(report))
  return report.findings.some(({ level }) => level === 'error') ? 'incomplete' : 'done'
}

function findOf({ profile, ...options }: InitOptions): Pick<AskedInit, 'find'> {
  const { namespace, kubeconfig, context, compose, engine, host } = options
  const place = Object.entries({ namespace, kubeconfig, context, compose, engine, host })
  const given = place.filter(([, value]) => value !== undefined)
  if (profile !== undefined) return { find: { profile, ...Object.fromEntries(given) } }
  if (given[0] === undefined) return {}
  throw new Failure('usage', `--${given[0][0]} needs --profile`, { hint: 'Name the app to look for with --profile.' })
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
