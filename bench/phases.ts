import { systemClock } from '../src/system/clock.ts'
import type { Bench } from './bench.ts'
import { cpuSecondsOf } from './cpu.ts'

interface Mark {
  readonly phase: string
  readonly at: number
  /** Processor seconds of the bench's children until then, and of the server. */
  readonly cpu: Promise<readonly [clients: number, server: number]>
}

/**
 * Runs `act` and, if asked to, says for each line that it prints how long it took until the next, and how much processor
 * time went by meanwhile in the programs and in the server. On a machine that others use only processor time compares.
 */
export async function inPhases<Result>(
  bench: Bench,
  what: string,
  act: (onLine: (line: string) => void) => Promise<Result>,
): Promise<Result> {
  if (!bench.options.phases) return act(() => {})
  const marks: Mark[] = []
  const own = process.cpuUsage()
  const mark = (phase: string): void => void marks.push({ phase, at: systemClock.monotonic(), cpu: cpuNow(bench, own) })
  mark('start')
  const result = await act(mark)
  mark('end')
  await print(bench, what, marks)
  return result
}

/** The bench's own time and the server's are part of what its process tree has used. */
async function cpuNow(bench: Bench, since: NodeJS.CpuUsage): Promise<readonly [number, number]> {
  const { user, system } = process.cpuUsage(since)
  const [all = 0, server = 0] = await Promise.all([cpuSecondsOf(process.pid), cpuSecondsOf(bench.postgres.pid)])
  return [all - server - (user + system) / 1e6, server]
}

async function print(bench: Bench, what: string, marks: readonly Mark[]): Promise<void> {
  const cpus = await Promise.all(marks.map(({ cpu }) => cpu))
  const rows = marks.slice(1).map(({ at }, index) => row(index, index + 1, marks[index]?.phase ?? '', at))
  function row(from: number, to: number, name: string, at: number): string {
    const seconds = (at - (marks[from]?.at ?? 0)) / 1000
    const [clients = 0, server = 0] = [0, 1].map((side) => (cpus[to]?.[side] ?? 0) - (cpus[from]?.[side] ?? 0))
    return [seconds, clients, server].map((value) => value.toFixed(2).padStart(7)).join(' ') + `  ${name}`
  }
  const total = row(0, marks.length - 1, `all of ${what}`, marks.at(-1)?.at ?? 0)
  bench.context.progress({ type: 'note', message: ['   wall clients server', ...rows, total].join('\n') })
}
