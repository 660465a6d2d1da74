import type { Difference, Finding } from '../../core/restore-point.ts'

const MARKS = { ok: 'ok      ', warning: 'warning ', error: 'ERROR   ', untested: 'untested' } as const

/** One line a finding, its hint below. */
export function formatFindings(findings: readonly Finding[]): string {
  return uniqueOf(findings)
    .map(
      ({ level, subject, message, hint }) =>
        `  ${MARKS[level]}  ${subject}: ${message}${hint === undefined ? '' : `\n            ${hint}`}`,
    )
    .join('\n')
}

/** What --quiet leaves of the findings of something that was done: what went wrong. */
export function withoutWarnings(findings: readonly Finding[], quiet: boolean | undefined): readonly Finding[] {
  return quiet === true ? findings.filter(({ level }) => level !== 'warning') : findings
}

/** Several parts of a run come upon the same thing. */
function uniqueOf(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}

export function formatDifferences(differences: readonly Difference[]): string {
  return differences.map(formatDifference).join('\n')
}

function formatDifference({ subject, expected, found, diff }: Difference): string {
  const said = diff ?? [`expected ${expected}`, `found    ${found}`]
  return [`  ${subject}`, ...said.map((line) => `      ${line}`.trimEnd())].join('\n')
}
