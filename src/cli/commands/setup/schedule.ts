import { Argument, type Command as Commander } from 'commander'
import type { ClusterPlace, Mount } from '../../../operations/schedule/cronjob.ts'
import type { ExportedFile } from '../../../operations/schedule/job.ts'
import type { ScheduleTarget } from '../../../operations/schedule/export.ts'
import { Failure } from '../../../core/failure.ts'
import { chooseApps } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

interface ScheduleOptions {
  readonly output?: string
  readonly namespace?: string
  readonly image?: string
  readonly serviceAccount: string
  readonly mount: readonly Mount[]
  readonly envFrom: readonly string[]
  readonly configPath?: string
  readonly executable: string
  readonly user?: string
}

type Kind = ScheduleTarget['kind']
interface Wanted {
  readonly kind: Kind
  readonly app: string | undefined
}

export function addSchedule(program: Commander, cli: Cli): void {
  const schedule = program.command('schedule').description('let other programs run what the configuration schedules')
  schedule
    .command('export')
    .description('print CronJobs of Kubernetes, timers of systemd or lines of cron for the schedules of apps')
    .addArgument(new Argument('<kind>', 'for what').choices(['cronjob', 'systemd', 'cron']))
    .argument('[app]')
    .option('-o, --output <folder>', 'write the files there; replaces only what an earlier export wrote')
    .option('--config-path <file>', 'where the configuration is when it runs (default: where it is now)')
    .option('--image <image>', 'cronjob: the image with Holdfast and the tools of PostgreSQL')
    .option('--namespace <name>', 'cronjob: where it runs (default: that of the app)')
    .option('--service-account <name>', 'cronjob: whose rights it has', 'holdfast')
    .option(
      '--mount <what:path>',
      'cronjob: a claim, secret/<name> or configmap/<name>, and where; again for more',
      addMount,
      [],
    )
    .option(
      '--env-from <secret>',
      'cronjob: a Secret whose keys become variables; again for more',
      (one, all: string[]) => [...all, one],
      [],
    )
    .option('--executable <file>', 'systemd, cron: Holdfast on that host', '/usr/local/bin/holdfast')
    .option('--user <name>', 'systemd, cron: who runs it (default: root)')
    .action((kind: Kind, app: string | undefined, options: ScheduleOptions, command: Commander) =>
      run(cli, command, (given) => exportSchedule(given, { kind, app }, options), true),
    )
}

const MOUNT = /^(?:(secret|configmap)\/)?([a-z0-9][a-z0-9.-]*):(\/.*)$/

function addMount(text: string, mounts: readonly Mount[]): readonly Mount[] {
  const [, kind = 'claim', name, path] = MOUNT.exec(text) ?? []
  if (name === undefined || path === undefined)
    throw new Failure('usage', `--mount ${JSON.stringify(text)} is no mount`, {
      hint: 'Write a claim, secret/<name> or configmap/<name>, a colon, and an absolute path.',
    })
  return [...mounts, { kind: kind === 'secret' || kind === 'configmap' ? kind : 'claim', name, path }]
}

async function exportSchedule(
  { assembly, result }: Command,
  wanted: Wanted,
  options: ScheduleOptions,
): Promise<Ending> {
  const { exportSchedules } = await import('../../../operations/schedule/export.ts')
  const { writeExported } = await import('../../../operations/schedule/write.ts')
  const apps = chooseApps(assembly.apps, wanted.app)
  const files = exportSchedules(apps, targetOf(wanted.kind, options, assembly.configPath))
  const written = options.output === undefined ? undefined : await writeExported(options.output, files)
  result({ files, ...(written === undefined ? {} : { written }) }, () => written?.join('\n') ?? textOf(files))
  return 'done'
}

function targetOf(kind: Kind, options: ScheduleOptions, usual: string): ScheduleTarget {
  const { configPath = usual, executable, user } = options
  if (kind === 'systemd') return { kind, configPath, executable, user }
  if (kind === 'cron')
    return { kind, configPath, executable, user, zone: Intl.DateTimeFormat().resolvedOptions().timeZone }
  return { kind, configPath, ...clusterOf(options) }
}

function clusterOf({
  image,
  namespace,
  serviceAccount,
  mount,
  envFrom,
}: ScheduleOptions): Omit<ClusterPlace, 'configPath'> {
  if (image === undefined)
    throw new Failure('usage', 'which image?', {
      hint: 'Give --image: an image with Holdfast and the tools of PostgreSQL.',
    })
  return { image, namespace, serviceAccount, mounts: mount, environmentFrom: envFrom }
}

function textOf(files: readonly ExportedFile[]): string {
  const [only, ...others] = files
  if (only !== undefined && others.length === 0) return only.text.trimEnd()
  return files
    .map(({ name, text }) => `# ${name}\n${text}`)
    .join('\n')
    .trimEnd()
}
