import type { InitReport } from '../../../operations/init/init.ts'
import { formatFindings } from '../../print/findings.ts'
import { formatTime } from '../../print/format.ts'

/** What `init` made, for people. */
export function initText(report: InitReport): string {
  if (report.from !== undefined) return writtenText(report)
  return [
    headText(report),
    ...foundLines(report),
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

function headText({ configWritten, configPath, found }: InitReport): string {
  if (!configWritten) return `Using ${configPath}.`
  if (found === undefined) return `Wrote ${configPath}. Fill in your app there, then run holdfast check.`
  return `Wrote ${configPath} for ${found.app} in ${found.place}. Read it, then run holdfast check.`
}

function foundLines({ found }: InitReport): readonly string[] {
  if (found === undefined) return []
  return [
    ...found.undecided.map(({ what, why }) => `  not decided: ${what}: ${why}`),
    ...found.notCaptured.map(({ what, why }) => `  not captured, on purpose: ${what}: ${why}`),
  ]
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
