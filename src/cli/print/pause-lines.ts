import type { ComesBack, PlannedPauses } from '../../operations/pause/workloads.ts'

/** What a plan stops, one a line, in the order in which it is stopped. */
export function pauseLines({ comesBack = [] }: PlannedPauses): readonly string[] {
  return comesBack.map((one) => `  stopped meanwhile: ${comesBackText(one)}`)
}

export function comesBackText({ workload, to }: ComesBack): string {
  return `${workload} (comes back to: ${to})`
}
