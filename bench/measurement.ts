import { ownPeak, toolsPeak } from './child.ts'
import type { ChildRun } from './child.ts'
import { each, highest, median } from './rounds.ts'
import type { Side } from './rounds.ts'

/** One piece of work, measured. Times are medians of the rounds, memory is the highest of all rounds. */
export interface Measurement {
  readonly work: string
  readonly ours: string
  /** The command of the peer; undefined when there is nothing to compare with. */
  readonly peer: string | undefined
  readonly oursSeconds: number
  readonly peerSeconds: number | undefined
  readonly peakRssMib: number | undefined
  readonly toolsPeakRssMib: number | undefined
  readonly peerPeakRssMib: number | undefined
  readonly goals: readonly Goal[]
}

export interface Goal {
  readonly text: string
  /** Undefined when this machine cannot measure it. */
  readonly met: boolean | undefined
}

/** How many times as fast as the peer we are: its time divided by ours. */
export function ratio({
  oursSeconds,
  peerSeconds,
}: Pick<Measurement, 'oursSeconds' | 'peerSeconds'>): number | undefined {
  return peerSeconds === undefined ? undefined : peerSeconds / oursSeconds
}

export interface Labels {
  readonly work: string
  readonly ours: string
  readonly peer?: string
}

/** A measurement without goals from the runs of both sides. */
export function measurementOf(labels: Labels, ours: Side<ChildRun>, peer?: Side<ChildRun>): Measurement {
  return {
    work: labels.work,
    ours: labels.ours,
    peer: labels.peer,
    oursSeconds: median(each(ours, (run) => run.seconds)),
    peerSeconds: peer === undefined ? undefined : median(each(peer, (run) => run.seconds)),
    peakRssMib: highest(ours.map(ownPeak)),
    toolsPeakRssMib: highest(ours.map(toolsPeak)),
    peerPeakRssMib: highest((peer ?? []).map(toolsPeak)),
    goals: [],
  }
}

export const PEAK_LIMIT_MIB = 256

export function peakGoal({ peakRssMib }: Measurement): Goal {
  return {
    text: `peak under ${PEAK_LIMIT_MIB} MiB`,
    met: peakRssMib === undefined ? undefined : peakRssMib < PEAK_LIMIT_MIB,
  }
}

export function ratioGoal(measurement: Measurement, atLeast: number): Goal {
  const reached = ratio(measurement)
  return { text: `at least ${atLeast} times as fast`, met: reached === undefined ? undefined : reached >= atLeast }
}

export function timeGoal({ oursSeconds }: Measurement, limitSeconds: number): Goal {
  return { text: `under ${limitSeconds * 1000} ms`, met: oursSeconds < limitSeconds }
}
