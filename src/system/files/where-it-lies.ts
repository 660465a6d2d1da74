import { readFile, realpath, stat } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import type { FailureDomain } from '../../core/safety/lost-together.ts'

export const THIS_HOST = 'this host'

/** File systems whose bytes are on another machine. */
const REMOTE = /^(nfs\d?|cifs|smb\d?|smbfs|ceph|9p|afs|lustre|glusterfs|beegfs|ocfs2|gfs2|fuse\..+)$/

/** The disk and host of a path, or of the nearest folder above that is there. Nothing is known of what is mounted from elsewhere. */
export async function placeOfPath(path: string): Promise<FailureDomain> {
  const found = await nearest(path)
  if (found === undefined || (await isRemote(found.path))) return {}
  return { disk: String(found.device), host: THIS_HOST }
}

async function nearest(path: string): Promise<{ readonly path: string; readonly device: number } | undefined> {
  try {
    const real = await realpath(path)
    return { path: real, device: (await stat(real)).dev }
  } catch {
    return dirname(path) === path ? undefined : await nearest(dirname(path))
  }
}

/** Where a system has no such table, as outside Linux, everything counts as local. */
async function isRemote(path: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return REMOTE.test(fileSystemOf(path, table) ?? '')
}

/** The type of the file system that a path is on, by the lines of `/proc/self/mountinfo`. */
export function fileSystemOf(path: string, table: string): string | undefined {
  const mounts = table.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const point = before
      .split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)))
    const isAbove = point !== undefined && (point === '/' || path === point || path.startsWith(`${point}/`))
    return isAbove ? [{ point, type: after.split(' ')[0] }] : []
  })
  // Of two at one point the later hides the earlier.
  return mounts.reduce<(typeof mounts)[number] | undefined>(
    (deepest, one) => (deepest !== undefined && deepest.point.length > one.point.length ? deepest : one),
    undefined,
  )?.type
}

/** A name or address of a server: this host, the cluster whose services have such names, or nobody knows. */
export function placeOfServer(host: string): FailureDomain {
  if (host.startsWith('/')) return { host: THIS_HOST }
  if (/\.svc(\.|$)/.test(host)) return { cluster: 'Kubernetes' }
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? [])
  const own = ['localhost', hostname().toLowerCase(), ...addresses]
  return own.includes(name) || name.startsWith('127.') || name === '::1' ? { host: THIS_HOST } : {}
}
