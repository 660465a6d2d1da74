import { cpus, totalmem } from 'node:os'
import { ratio } from './measurement.ts'
import type { Goal, Measurement } from './measurement.ts'

/** What the numbers depend on. */
export function describeMachine(facts: readonly string[]): string {
  const [cpu] = cpus()
  const machine = [
    `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'})`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB memory`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
  ]
  return [...machine, ...facts].join(', ')
}

const HEAD = ['work', 'ours s', 'peer s', 'ratio', 'peak MiB', 'tools MiB', 'peer MiB', 'goals']
export const EXPLANATION = `ratio: the peer's time divided by ours; above 1 we are faster. Times: medians after a warm-up that does not count.
peak: highest resident size of a process of ours; tools: of a program we start; peer: of the peer.`

/** For people. */
export function tableOf(measurements: readonly Measurement[]): string {
  const rows = [HEAD, ...measurements.map(rowOf)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => pad(cell, column, widths))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0
  return column === 0 || column === HEAD.length - 1 ? cell.padEnd(width) : cell.padStart(width)
}

function rowOf(one: Measurement): string[] {
  return [
    one.work,
    fixed(one.oursSeconds, one.oursSeconds < 1 ? 3 : 2),
    fixed(one.peerSeconds, 2),
    fixed(ratio(one), 2),
    ...[one.peakRssMib, one.toolsPeakRssMib, one.peerPeakRssMib].map((mib) => fixed(mib, 0)),
    one.goals.map(textOfGoal).join('; '),
  ]
}

function textOfGoal({ text, met }: Goal): string {
  if (met === undefined) return `${text}: not measured here`
  return `${text}: ${met ? 'yes' : 'NO'}`
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits)
}

/** For programs: one flat line. */
export function jsonLine(one: Measurement): string {
  return JSON.stringify({
    work: one.work,
    ours: one.ours,
    peer: one.peer ?? null,
    ratio: rounded(ratio(one), 3),
    ours_s: rounded(one.oursSeconds, 3),
    peer_s: rounded(one.peerSeconds, 3),
    peak_rss_mib: rounded(one.peakRssMib, 1),
    tools_peak_rss_mib: rounded(one.toolsPeakRssMib, 1),
    peer_peak_rss_mib: rounded(one.peerPeakRssMib, 1),
    goals_met: one.goals.every(({ met }) => met === true),
    goals: one.goals.map(textOfGoal).join('; '),
  })
}

function rounded(value: number | undefined, digits: number): number | null {
  return value === undefined ? null : Number(value.toFixed(digits))
}
