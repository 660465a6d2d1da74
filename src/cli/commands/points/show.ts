import type { Command as Commander } from 'commander'
import type { ShowReport } from '../../../operations/points/show-point.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatBytes, formatTable, formatTime, quoted } from '../../print/format.ts'
import { formatKeyFits } from '../../print/key-fits.ts'
import { nextStep } from '../../print/next-step.ts'
import { formatState } from '../../print/verdict.ts'
import type { Command } from '../../run-command.ts'

interface ShowOptions {
  readonly app?: string
}

export function addShow(program: Commander, cli: Cli): void {
  program
    .command('show <point>')
    .description('show one restore point: latest, an id or its start, or a time')
    .option('--app <app>', 'the app, when there are several')
    .action((choice: string, options: ShowOptions, command: Commander) =>
      run(cli, command, (given) => show(given, choice, options), true),
    )
}

async function show({ assembly, result }: Command, choice: string, { app }: ShowOptions): Promise<Ending> {
  const { showPoint } = await import('../../../operations/points/show-point.ts')
  const report = await showPoint(assembly.apps, choice, app, assembly.context)
  result(report, () => textOf(report))
  return report.failure === undefined ? 'done' : report.failure.kind
}

function textOf(report: ShowReport): string {
  const { summary } = report
  const artifacts = report.components.flatMap((component) =>
    component.artifacts.map(({ role, plainSize, size, sha256 }) => [
      component.name,
      component.kind,
      role,
      formatBytes(plainSize),
      formatBytes(size),
      sha256.slice(0, 16),
    ]),
  )
  const secrets = report.components.flatMap((component) =>
    component.secrets.map(({ name, fingerprint, source, trailingNewline }) => [
      `${component.name} ${name}`,
      fingerprint,
      source,
      trailingNewline ? 'ends with a line break' : '',
    ]),
  )
  const proofs = report.proofs.map((proof) => [proof.kind, formatTime(proof.created), outcomeOf(proof)])
  return [
    `restore point  ${summary.point}`,
    `app            ${summary.app}`,
    `created        ${summary.created}`,
    ...(summary.note === undefined ? [] : [`note           ${quoted(summary.note)}`]),
    ...(summary.held ? ['held           never pruned until holdfast release'] : []),
    `state          ${formatState(summary)}${summary.failedProof === null ? ` since ${summary.truthAt}` : `: ${summary.failedProof}`}`,
    `repository     ${summary.repositories.join(', ')}`,
    `sequence       ${summary.sequence}`,
    `signed by      ${report.signer}`,
    `made by        ${report.software}`,
    '',
    ...(report.opened
      ? [formatTable(['component', 'kind', 'artifact', 'content', 'stored', 'sha-256'], artifacts, [3, 4])]
      : closedText(report)),
    ...report.missing.map(({ name, reason }) => `MISSING ${name}: ${reason}`),
    ...report.components.flatMap(({ name, notCaptured }) =>
      notCaptured.map((what) => `not captured in ${name}: ${what}`),
    ),
    ...report.components.flatMap(({ name, onPurpose }) =>
      onPurpose.map((what) => `not captured in ${name}, on purpose: ${what}`),
    ),
    ...(secrets.length === 0 ? [] : ['', formatTable(['secret', 'fingerprint', 'from', ''], secrets)]),
    ...formatKeyFits(report.keyFit),
    ...(proofs.length === 0
      ? ['', 'No proofs: never verified or drilled.']
      : ['', formatTable(['proof', 'time', 'outcome'], proofs)]),
  ].join('\n')
}

/** Why only what is public is shown. */
function closedText({ failure }: ShowReport): string[] {
  if (failure === undefined)
    return ['The content is encrypted, and no private key at hand opens it; only what is public is shown.']
  return [`CANNOT BE OPENED: ${failure.message}`, `  ${nextStep(failure)}`, '  What is public is shown.']
}

/** A drill of an incomplete point that brought back all that it holds did not fail, and is not good. */
function outcomeOf({ ok, facts }: ShowReport['proofs'][number]): string {
  if (ok) return 'ok'
  return facts['inPart'] === true ? 'in part' : 'FAILED'
}
