import { readFile, readlink } from 'node:fs/promises'

/** Names a process of this machine so that a later one can tell whether it still runs. */
export async function thisProcess(): Promise<string> {
  return JSON.stringify(await identityOf('self'))
}

/**
 * Whether the process that `thisProcess` named still runs. Process ids are used again, so its start counts too. One in
 * another container on the same machine cannot be seen and is taken to run.
 */
export async function isRunning(named: string): Promise<boolean> {
  const [boot, namespace, pid, started] = processNamed(named)
  const here = await identityOf('self')
  if (boot !== here[0]) return false
  if (namespace !== here[1]) return true
  const found = await startOf(pid).catch(() => undefined)
  return found?.started === started && !found.ended
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
  const found: unknown = JSON.parse(named)
  const text = (index: number): string => (Array.isArray(found) ? String(found[index]) : '')
  return [text(0), text(1), text(2), text(3)]
}
