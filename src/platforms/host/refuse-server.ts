import { readdir, readFile, readlink } from 'node:fs/promises'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { addressText, isThisMachine, type ServerAddress } from '../server-address.ts'
import type { HostSettings } from './schema.ts'
import { stoppedWith } from './units.ts'

/** Of proc(5) net/tcp. */
const LISTENS = '0A'

/**
 * Fails with `refused` where a unit that would be stopped, or one that systemd stops with it, listens at one of these addresses. Who
 * may not see the open files of others cannot tell, and nothing is refused. Changes nothing.
 */
export async function refuseServers(
  settings: HostSettings,
  servers: readonly ServerAddress[],
  context: Context,
): Promise<void> {
  if (settings.units.length === 0) return
  for (const server of servers) {
    const units = await unitsListening(server)
    if (units.length === 0) continue
    for (const unit of settings.units) {
      const hit = (await stoppedWith(unit, settings, context)).find((one) => units.includes(one))
      if (hit !== undefined) throw servesIt(unit, hit, server)
    }
  }
}

function servesIt(unit: string, hit: string, server: ServerAddress): Failure {
  const by = hit === unit ? '' : ` through ${hit}, which systemd stops with it`
  const what = `${addressText(server)} of component ${server.component}`
  return new Failure('refused', `unit ${unit} would be stopped, and serves ${what}${by}`, {
    hint: `Take ${unit} out of units of the platform: only what writes to the data is stopped.`,
  })
}

async function unitsListening({ at }: ServerAddress): Promise<readonly string[]> {
  const inodes = await ('socket' in at ? ofSocket(at.socket) : isThisMachine(at.host) ? ofPort(at.port) : [])
  if (inodes.length === 0) return []
  const names = inodes.map((inode) => `socket:[${inode}]`)
  const units: string[] = []
  for (const pid of await readdir('/proc'))
    if (/^\d+$/.test(pid) && (await hasOpen(pid, names))) units.push(...(await unitsOf(pid)))
  return units
}

/** Every line: number, local address, remote address, state, and the inode at place 9. */
async function ofPort(port: number): Promise<readonly string[]> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const texts = await Promise.all(['tcp', 'tcp6'].map((one) => textOf(`/proc/net/${one}`)))
  const lines = texts.flatMap((text) => text.split('\n')).map((line) => line.trim().split(/\s+/))
  const own = lines.filter(([, local = '', , state]) => state === LISTENS && local.endsWith(wanted))
  return own.flatMap((fields) => fields[9] ?? [])
}

async function ofSocket(path: string): Promise<readonly string[]> {
  const lines = (await textOf('/proc/net/unix')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.filter((fields) => fields[7] === path).flatMap((fields) => fields[6] ?? [])
}

async function hasOpen(pid: string, names: readonly string[]): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const file of files) {
    const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '')
    if (names.includes(target)) return true
  }
  return false
}

/** The folders of its cgroup are named after slices and units. */
async function unitsOf(pid: string): Promise<readonly string[]> {
  return (await textOf(`/proc/${pid}/cgroup`)).split(/[\n/]/).filter((name) => /\.[a-z]+$/.test(name))
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '')
}
