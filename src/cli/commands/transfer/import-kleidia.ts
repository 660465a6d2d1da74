import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { Failure } from '../../../core/failure.ts'
import { Secret } from '../../../core/secret.ts'
import type { KleidiaLocation } from '../../../interop/kleidia-v1/kleidia-sources.ts'
import type { ArchiveLimits, KleidiaAct, KleidiaReport } from '../../../interop/kleidia-v1/import-kleidia.ts'
import { acceptOption } from '../../ask/accept-option.ts'
import { acceptedOfDump, type AcceptOptions } from '../../ask/import-acceptance.ts'
import { KLEIDIA_PASSWORD } from '../../ask/passwords.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, runBare, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { BareCommand, Command } from '../../run-command.ts'
import type { CliPorts } from '../../cli-ports.ts'

interface ImportKleidiaOptions extends AcceptOptions {
  readonly unpack?: string
  readonly verify?: boolean
  readonly mount?: string
  readonly component?: readonly string[]
  readonly maxBytes?: string
  readonly maxRatio?: string
  readonly endpoint?: string
  readonly region?: string
  readonly ca?: string
}

export function addImportKleidia(imports: Commander, cli: Cli): void {
  imports
    .command('kleidia-v1 <location> [app]')
    .description(
      'with an app, make a restore point of each KLEIDIA_BACKUP_V1 file; without one, list, verify or unpack',
    )
    .addHelpText(
      'after',
      '\n<location> is a file, a folder, or s3://bucket/prefix. What was imported before is passed over.',
    )
    .option('--verify', 'decrypt and read everything, and keep nothing')
    .option('--unpack <folder>', 'unpack each file into a folder of its name in this one: SQL and secrets in clear')
    .option('--mount <path>', 'the KV mount that the paths of the secrets belong to')
    .option(
      '--component <name>',
      'a component to import into, when there are several of its kind (may be repeated)',
      (name: string, names?: readonly string[]) => [...(names ?? []), name],
    )
    .addOption(acceptOption('import'))
    .option('--max-bytes <bytes>', 'refuse what grows beyond this (default: 64 GiB)')
    .option('--max-ratio <times>', 'refuse what grows beyond this many times its size (default: 200)')
    .option('--endpoint <url>', 'S3: the server, when it is not AWS; keys come from where the AWS tools look')
    .option('--region <region>', 'S3: the region')
    .option('--ca <file>', "S3: file with the CA certificates that sign the server's")
    .action((where: string, app: string | undefined, options: ImportKleidiaOptions, command: Commander) =>
      app === undefined
        ? runBare(cli, command, (given) => look(given, where, options))
        : run(cli, command, (given) => importInto(given, { where, app }, options)),
    )
}

/** Without an app: lists, verifies or unpacks. */
async function look(
  { ports, context, result }: BareCommand,
  where: string,
  options: ImportKleidiaOptions,
): Promise<Ending> {
  const { importKleidia } = await import('../../../interop/kleidia-v1/import-kleidia.ts')
  const { kleidiaSources } = await import('../../../interop/kleidia-v1/kleidia-sources.ts')
  const report = await ports.withScratchFolder(async (scratchFolder) =>
    importKleidia(
      kleidiaSources(locationOf(where, options), context),
      await actOf(ports, options, scratchFolder),
      context,
    ),
  )
  return await printed(report, result)
}

interface Into {
  readonly where: string
  readonly app: string
}

async function importInto(
  { ports, assembly, result }: Command,
  { where, app: name }: Into,
  options: ImportKleidiaOptions,
): Promise<Ending> {
  if (options.unpack !== undefined || options.verify === true)
    throw new Failure('usage', '--verify and --unpack make no restore point: leave out the app')
  const { planKleidiaImport, runKleidiaImport } = await import('../../../interop/kleidia-v1/import-points.ts')
  const { mount, component: components } = options
  const app = chooseApp(assembly.apps, name)
  const location = locationOf(where, options)
  const request = { location, limits: await limitsOf(options), mount, components, ...acceptedOfDump(options) }
  const order = planKleidiaImport(app, request)
  return await printed(await runKleidiaImport(app, order, await askPassword(ports), assembly.context), result)
}

async function printed(report: KleidiaReport, result: Command['result']): Promise<Ending> {
  const { isComplete, onlyFailure } = await import('../../../interop/kleidia-v1/import-kleidia.ts')
  const { kleidiaText } = await import('./import-kleidia-text.ts')
  const failure = onlyFailure(report)
  if (failure !== undefined) throw failure
  result({ report }, () => kleidiaText(report))
  return isComplete(report) ? 'done' : 'incomplete'
}

function locationOf(where: string, { endpoint, region, ca }: ImportKleidiaOptions): KleidiaLocation {
  return {
    where: where.startsWith('s3:') ? where : resolve(where),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(ca === undefined ? {} : { ca: resolve(ca) }),
  }
}

async function actOf(ports: CliPorts, options: ImportKleidiaOptions, scratchFolder: string): Promise<KleidiaAct> {
  const { unpack, verify } = options
  const limits = await limitsOf(options)
  if (unpack !== undefined && verify === true)
    throw new Failure('usage', '--unpack verifies already: leave out --verify')
  if (unpack !== undefined)
    return { type: 'unpack', password: await askPassword(ports), folder: resolve(unpack), limits }
  if (verify === true) return { type: 'verify', password: await askPassword(ports), scratchFolder, limits }
  return { type: 'list' }
}

async function limitsOf({ maxBytes, maxRatio }: ImportKleidiaOptions): Promise<ArchiveLimits> {
  const { usualLimits } = await import('../../../interop/kleidia-v1/import-kleidia.ts')
  return {
    expandedBytes: positive(maxBytes, '--max-bytes') ?? usualLimits.expandedBytes,
    ratio: positive(maxRatio, '--max-ratio') ?? usualLimits.ratio,
  }
}

async function askPassword(ports: CliPorts): Promise<Secret> {
  return new Secret(
    ports.variable(KLEIDIA_PASSWORD) ?? (await ports.ask.password('Password of the Kleidia backup', KLEIDIA_PASSWORD)),
  )
}

function positive(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Failure('usage', `${option} ${JSON.stringify(text)} is no whole number above 0`)
}
