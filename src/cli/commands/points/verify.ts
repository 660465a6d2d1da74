import type { Command as Commander } from 'commander'
import { Failure } from '../../../core/failure.ts'
import type { VerifyReport } from '../../../operations/verify/execute.ts'
import { chooseApp } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatDuration, noteLines } from '../../print/format.ts'
import { endingOfVerdict, formatMissing, formatRecording } from '../../print/verdict.ts'
import type { Command } from '../../run-command.ts'

interface VerifyOptions {
  readonly app?: string
  readonly repository?: string
  readonly sample?: string
}

export function addVerify(program: Commander, cli: Cli): void {
  program
    .command('verify <point>')
    .description('read every byte of a restore point again, decrypt it, and have the real tools read the archives')
    .option('--app <app>', 'the app, when there are several')
    .option('--repository <name>', 'read from this repository only')
    .option('--sample <percent>', 'read only this share of the artifacts; a daily sample comes round to all')
    .action((choice: string, options: VerifyOptions, command: Commander) =>
      run(cli, command, (given) => verify(given, choice, options)),
    )
}

async function verify({ assembly, result }: Command, choice: string, options: VerifyOptions): Promise<Ending> {
  const { planVerify } = await import('../../../operations/verify/plan.ts')
  const { verifyOrder } = await import('../../../operations/verify/order.ts')
  const { runVerify } = await import('../../../operations/verify/run.ts')
  const { apps, context } = assembly
  const plan = await planVerify(apps, { ...options, choice, sample: parseSample(options.sample) }, context)
  const report = await runVerify(chooseApp(apps, plan.app), verifyOrder.parse(plan), context)
  result({ report }, () => textOf(report))
  // A verify is of the bytes that are there; what the point lacks is named, and its backup and every drill end with 3.
  return endingOfVerdict({ ...report, failed: !report.ok })
}

function parseSample(text: string | undefined): number {
  if (text === undefined) return 1
  const percent = Number(text.replace(/%$/, ''))
  if (percent > 0 && percent <= 100) return percent / 100
  throw new Failure('usage', `--sample ${JSON.stringify(text)} is not a share`, {
    hint: 'Give a percentage above 0 and up to 100, for example --sample 10%.',
  })
}

function textOf(report: VerifyReport): string {
  const { point, app, ok, missing } = report
  const bad = [
    ...[report.failure, report.absent].flatMap((failure) => failure?.message ?? []),
    ...report.artifacts.flatMap(({ component, role, failure }) =>
      failure === undefined ? [] : [`${component} ${role}: ${failure.message}`],
    ),
    ...report.examined.flatMap(({ component, failure }) =>
      failure === undefined ? [] : [`${component}: ${failure.message}`],
    ),
  ]
  return [
    `Restore point ${point} of ${app}: ${ok ? `every byte that was read is as it was written${missing.length === 0 ? '' : ', but the point is INCOMPLETE'}` : 'DAMAGED'}`,
    ...noteLines(report),
    ...(report.failure === undefined ? [readText(report)] : []),
    ...bad.map((line) => `  ${line}`),
    ...formatMissing(missing),
    ...formatRecording(report),
    ok
      ? 'This is not yet proof of a restore: holdfast drill is.'
      : 'Keep this point for analysis and restore from another one.',
  ].join('\n')
}

function readText({ bytesRead, durationMilliseconds, examined, artifacts }: VerifyReport): string {
  const whole = examined.filter(({ ok }) => ok).map(({ component }) => component)
  const none = artifacts.some(({ level }) => level === 'presence') ? 'none (sample)' : 'none'
  return `${formatBytes(bytesRead)} read and decrypted in ${formatDuration(durationMilliseconds)}; archives read whole: ${whole.join(', ') || none}`
}
