import { readFile } from 'node:fs/promises'
import { descendants } from './process-tree.ts'

/** The kernel counts processor time in ticks of this length, whatever the machine. */
const TICKS_PER_SECOND = 100
/** Places of utime, stime, cutime and cstime behind the program's name in /proc/<pid>/stat. */
const TIMES = [11, 12, 13, 14] as const

/**
 * Seconds of processor time, user and system, of a process, what it started, and what of that has ended. Undefined
 * where there is no /proc.
 */
export async function cpuSecondsOf(pid: number): Promise<number | undefined> {
  const ticks = await Promise.all((await descendants(pid)).map(ticksOf))
  const known = ticks.filter((one) => one !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0) / TICKS_PER_SECOND
}

async function ticksOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The name is in parentheses and may hold anything, also parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields === undefined ? undefined : TIMES.reduce((sum, place) => sum + Number(fields[place] ?? 0), 0)
}
