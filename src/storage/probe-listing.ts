import type { Finding } from '../core/restore-point.ts'
import { byName } from './names.ts'
import type { Probe } from './probe-tried.ts'

/** A slash sorts between these characters, so that a server that lists by folder gives another order. */
const NAMES = ['b', 'a/1', 'a-1', 'a0', 'a.1', 'a_1', 'aB']
/** Fewer than there are names, so that a listing goes from page to page. */
const PAGE = 2

/** Whether a listing shows at once what was stored, all of it, page by page, and nothing else. */
export async function findListing(probe: Probe): Promise<Finding> {
  const { storage, signal, folder } = probe
  for (const name of NAMES) await storage.put(`${folder}/list/${name}`, Buffer.from(name), signal)
  const below = NAMES.map((name) => `${folder}/list/${name}`).sort(byName)
  const withA = below.filter((name) => name.startsWith(`${folder}/list/a`))
  return (
    (await findDifference(probe, `${folder}/list/`, below)) ??
    (await findDifference(probe, `${folder}/list/a`, withA)) ??
    (await findDifference(probe, `${folder}/list/`, below, PAGE)) ?? {
      level: 'ok',
      subject: 'listing a prefix',
      message: 'is complete and in order',
    }
  )
}

async function findDifference(
  { storage, signal }: Probe,
  prefix: string,
  expected: readonly string[],
  pageSize?: number,
): Promise<Finding | undefined> {
  const found: string[] = []
  for await (const { name } of storage.list(prefix, signal, pageSize === undefined ? {} : { pageSize }))
    found.push(name)
  if (found.join(' ') === expected.join(' ')) return undefined
  const missing = expected.filter((name) => !found.includes(name))
  const pages = pageSize === undefined ? '' : `, asked for in pages of ${pageSize},`
  const what = missing.length === 0 ? `is in another order: ${found.join(', ')}` : `lacks ${missing.join(', ')}`
  return {
    level: 'error',
    subject: 'listing a prefix',
    message: `${prefix}${pages} just after storing ${what}`,
    hint: 'Holdfast sees its restore points by listing. Use storage that lists every object as soon as it is stored.',
  }
}
