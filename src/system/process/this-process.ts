import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Names a process of this machine so that a later one can tell whether it still runs; with `operation`, one of its operations. */
export async function thisProcess(operation?: string): Promise<string> {
  return JSON.stringify([...(await identityOf('self')), ...(operation === undefined ? [] : [operation, hostname()])])
}

/**
 * Whether the process that `thisProcess` named still runs. Process ids are used again, so its start counts too. One in
 * another container or on another machine cannot be seen and is taken to run.
 */
export async function isRunning(named: string): Promise<boolean> {
  if (!(await isVisible(named))) return true
  const [boot, , pid, started] = processNamed(named)
  const here = await identityOf('self')
  if (boot !== here[0]) return false
  const found = await startOf(pid).catch(() => undefined)
  return found?.started === started && !found.ended
}

/**
 * Whether this process can tell whether that one runs: it is of the same container, or of an earlier start of this machine. The name
 * of a process alone has no host, and is of this machine.
 */
async function isVisible(named: string): Promise<boolean> {
  const [boot, namespace] = processNamed(named)
  const [, , , , , host = hostname()] = parts(named)
  const here = await identityOf('self')
  return boot === here[0] ? namespace === here[1] : host === hostname()
}

/** What of this process and of others is at work. */
export interface RunningOperations {
  /** Names this process, or the operation that it was begun for. */
  self(): Promise<string>
  /** Whether what was named still runs on this machine: a process, or one operation of this process. */
  isRunning(named: string): Promise<boolean>
  /** Whether anybody here can tell that. What cannot be seen is taken to run. */
  isVisible(named: string): Promise<boolean>
  /** The same with a name of its own until `end`. */
  begin(): RunningOperations & { end(): void }
}

let begun = 0

/** Operations of one process, so that two of them are told apart. */
export function runningOperations(running = new Set<string>()): RunningOperations {
  const isRunningHere = async (named: string): Promise<boolean> => {
    const [, , , , operation = ''] = parts(named)
    if (operation === '' || !(await isThisProcess(named))) return await isRunning(named)
    return running.has(operation)
  }
  return {
    self: thisProcess,
    isRunning: isRunningHere,
    isVisible,
    begin() {
      const operation = String((begun += 1))
      running.add(operation)
      const end = (): void => void running.delete(operation)
      return { ...runningOperations(running), self: () => thisProcess(operation), end }
    },
  }
}

async function isThisProcess(named: string): Promise<boolean> {
  return JSON.stringify(processNamed(named)) === JSON.stringify(await identityOf('self'))
}

type Identity = readonly [boot: string, namespace: string, pid: string, started: string]

async function identityOf(which: 'self'): Promise<Identity> {
  const { pid, started } = await startOf(which)
  return [
    (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    await readlink('/proc/self/ns/pid'),
    pid,
    started,
  ]
}

/** Fields 1, 3 and 22 of proc(5) stat. The name in field 2 may hold spaces and brackets, so what follows its last one counts. */
async function startOf(which: string): Promise<{ pid: string; started: string; ended: boolean }> {
  const text = await readFile(`/proc/${which}/stat`, 'utf8')
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // A process that has ended stays listed until its parent asks how.
  return { pid: text.split(' ')[0] ?? '', started: rest[19] ?? '', ended: rest[0] === 'Z' }
}

/** The parts of such a name. */
export function processNamed(named: string): Identity {
  const [boot = '', namespace = '', pid = '', started = ''] = parts(named)
  return [boot, namespace, pid, started]
}

function parts(named: string): readonly string[] {
  const found: unknown = JSON.parse(named)
  return Array.isArray(found) ? found.map(String) : []
}
