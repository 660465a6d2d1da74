import { createHash } from 'node:crypto'
import { isRunning, processNamed, thisProcess } from '../process/this-process.ts'

let own: Promise<string> | undefined

/**
 * What the names of our folders have of this process, short because paths of sockets are: where process ids count from,
 * the id, and its start. Empty where the system does not tell.
 */
export function ownerName(): Promise<string> {
  own ??= nameOf().catch(() => '')
  return own
}

async function nameOf(): Promise<string> {
  const [, namespace, pid, started] = processNamed(await thisProcess())
  return `${shortOf(namespace)}-${Number(pid).toString(36)}-${Number(started).toString(36)}-`
}

function shortOf(namespace: string): string {
  return Number.parseInt(createHash('sha256').update(namespace).digest('hex').slice(0, 6), 16).toString(36).slice(0, 4)
}

/** Whether the process that named a folder so still runs. One that counts from elsewhere cannot be seen and is taken to run. */
export async function isAlive(owner: string): Promise<boolean> {
  const [place = '', pid = '', started = ''] = owner.split('-')
  const [boot, namespace] = processNamed(await thisProcess())
  if (place !== shortOf(namespace)) return true
  const [id, start] = [pid, started].map((text) => String(Number.parseInt(text, 36)))
  return await isRunning(JSON.stringify([boot, namespace, id, start]))
}
