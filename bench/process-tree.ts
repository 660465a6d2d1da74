import { readFile, readdir, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { systemClock } from '../src/system/clock.ts'

/** The highest resident size in MiB that any process of each program reached, by the name of its executable. */
export type Peaks = ReadonlyMap<string, number>

export interface Watch {
  /** Ends the watch. Undefined where there is no /proc. */
  stop(): Promise<Peaks | undefined>
}

const INTERVAL = 200

/**
 * Watches the memory of a process and all its descendants. The kernel keeps the high-water mark (VmHWM) of each, so a
 * sample misses only what a process adds in its last 200 ms.
 */
export function watchTree(pid: number): Watch {
  const peaks = new Map<string, number>()
  const stopping = new AbortController()
  const watching = watchUntil(pid, peaks, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await watching
      return peaks.size === 0 ? undefined : peaks
    },
  }
}

async function watchUntil(pid: number, peaks: Map<string, number>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const one of await descendants(pid)) await sample(one, peaks)
    await systemClock.sleep(INTERVAL, signal).catch(() => {})
  }
}

async function sample(pid: number, peaks: Map<string, number>): Promise<void> {
  const [program, status] = await Promise.all([
    readlink(`/proc/${pid}/exe`).catch(() => ''),
    readText(`/proc/${pid}/status`),
  ])
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  if (program === '' || kib === undefined) return
  const name = basename(program)
  peaks.set(name, Math.max(peaks.get(name) ?? 0, Number(kib) / 1024))
}

/** `pid` and everything it started, as far as it still runs. */
export async function descendants(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(threads.map((thread) => readText(`/proc/${pid}/task/${thread}/children`)))
  const children = lists.join(' ').split(/\s+/).filter(Boolean).map(Number)
  const deeper = await Promise.all(children.map(descendants))
  return [pid, ...deeper.flat()]
}

/** Empty when the process is gone. */
function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
