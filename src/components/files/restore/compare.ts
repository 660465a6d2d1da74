import type { Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import type { FileEntry } from '../capture/entry.ts'
import { assertRunning, naming } from '../failures.ts'
import { type Folder } from '../tree/folder.ts'
import { HardLinks } from '../tree/hard-links.ts'
import { targetOf } from '../tree/describe.ts'
import { ROOT, shown, walkOrder, type RawPath } from '../tree/names.ts'
import { drain, openFound, PassingHash, readExactly } from '../tree/read-file.ts'
import { isOwn } from '../capture/selection.ts'
import { walk, type Found } from '../tree/walk.ts'
import { modeOf, type Rights } from '../tree/write-file.ts'

const MOST = 1000
/** Node sets times to about a quarter of a microsecond; a difference below this is none. */
const TIME_TOLERANCE = 1000n

export interface CompareOptions {
  readonly rights: Rights
  /** Whether what is in the folder and not in the list is a difference. */
  readonly extras: 'differ' | 'stay'
}

/**
 * Reads a folder again, every byte of it, and compares it with what was captured: names, types, sizes, contents, link
 * targets, modes and times, and owners if this process may set them. At most 1000 differences are named.
 */
export async function compareTree(
  root: Folder,
  expected: AsyncIterable<FileEntry>,
  options: CompareOptions,
  context: Context,
): Promise<readonly Difference[]> {
  const report = new Report()
  const comparison: Comparison = { ...options, links: new HardLinks(), report }
  const there = treeOf(root)
  try {
    let found = await nextOf(there)
    for await (const entry of expected) {
      assertRunning(context.signal)
      while (found !== undefined && walkOrder(found.path, entry.path) < 0) {
        extra(found, comparison)
        found = await nextOf(there)
      }
      if (found === undefined || found.path !== entry.path) {
        report.add(entry.path, entry.type, 'there', 'missing')
        continue
      }
      await compareEntry(entry, found, comparison)
      found = await nextOf(there)
    }
    for (; found !== undefined; found = await nextOf(there)) extra(found, comparison)
  } finally {
    await there.return(undefined)
  }
  return report.differences()
}

interface Comparison extends CompareOptions {
  readonly links: HardLinks
  readonly report: Report
}

async function* treeOf(root: Folder): AsyncGenerator<Found> {
  yield { path: ROOT, name: ROOT, folder: root, stat: await root.handle.stat({ bigint: true }) }
  for await (const found of walk(root, ({ path }) => !isOwn(path))) if (!isOwn(found.path)) yield found
}

async function nextOf(there: AsyncGenerator<Found>): Promise<Found | undefined> {
  const { value, done } = await there.next()
  return done === true ? undefined : value
}

function extra({ path, stat }: Found, { extras, report }: Comparison): void {
  if (extras === 'differ') report.add(path, stat.isDirectory() ? 'directory' : 'file', 'nothing', 'there')
}

async function compareEntry(entry: FileEntry, found: Found, comparison: Comparison): Promise<void> {
  const { report, links } = comparison
  const first = found.stat.isFile() ? links.firstOf(found.stat) : undefined
  if (found.stat.isFile() && first === undefined) links.remember(found.path, found.stat)
  const [wanted, type] = [typeOf(entry), foundType(found, first)]
  if (wanted !== type) return report.add(entry.path, entry.type, wanted, type)
  compareFacts(entry, found, comparison)
  if (entry.type === 'file') await compareContent(entry, found, report)
  if (entry.type === 'symlink') await compareTarget(entry, found, report)
}

function typeOf(entry: FileEntry): string {
  return entry.type === 'link' ? `hard link to ${shown(entry.target)}` : entry.type
}

function foundType({ stat }: Found, first: RawPath | undefined): string {
  if (first !== undefined) return `hard link to ${shown(first)}`
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'symlink' : 'special file'
}

function compareFacts(entry: FileEntry, { path, stat }: Found, { rights, report }: Comparison): void {
  const mode = Number(stat.mode & 0o7777n)
  if (entry.type !== 'symlink' && mode !== modeOf(entry, rights))
    report.add(path, entry.type, `mode ${octal(modeOf(entry, rights))}`, `mode ${octal(mode)}`)
  const owner = `owner ${stat.uid}:${stat.gid}`
  const wanted = `owner ${entry.uid}:${entry.gid}`
  if (rights.owners && owner !== wanted) report.add(path, entry.type, wanted, owner)
  if (!isSameTime(entry.mtime, stat.mtimeNs))
    report.add(path, entry.type, `time ${entry.mtime} ns`, `time ${stat.mtimeNs} ns`)
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

function isSameTime(a: bigint, b: bigint): boolean {
  return a - b <= TIME_TOLERANCE && b - a <= TIME_TOLERANCE
}

async function compareContent(entry: FileEntry & { type: 'file' }, found: Found, report: Report): Promise<void> {
  const size = Number(found.stat.size)
  if (size !== entry.size) return report.add(entry.path, 'file', `${entry.size} bytes`, `${size} bytes`)
  const sha256 = await hashOf(found, size)
  if (sha256 !== entry.sha256) report.add(entry.path, 'file', `${size} bytes, as captured`, otherContent(size, sha256))
}

function otherContent(size: number, sha256: string | undefined): string {
  return sha256 === undefined ? 'nothing: it is gone' : `${size} bytes, not the same`
}

async function hashOf(found: Found, size: number): Promise<string | undefined> {
  const opened = await naming('read', shown(found.path), () => openFound(found))
  if (opened === undefined) return undefined
  const hash = new PassingHash()
  try {
    await drain(hash.through(readExactly(opened.handle, size)))
  } finally {
    await opened.handle.close()
  }
  return hash.digest()
}

async function compareTarget(entry: FileEntry & { type: 'symlink' }, found: Found, report: Report): Promise<void> {
  const target = (await targetOf(found)) ?? ''
  if (target !== entry.target) report.add(entry.path, 'symlink', `to ${shown(entry.target)}`, `to ${shown(target)}`)
}

const words = { file: 'file', directory: 'folder', symlink: 'symbolic link', link: 'hard link' } as const

class Report {
  readonly #differences: Difference[] = []
  #more = 0

  add(path: RawPath, type: FileEntry['type'], expected: string, found: string): void {
    if (this.#differences.length >= MOST) this.#more += 1
    else this.#differences.push({ subject: `${words[type]} ${shown(path)}`, expected, found })
  }

  differences(): readonly Difference[] {
    if (this.#more === 0) return this.#differences
    return [...this.#differences, { subject: 'further files', expected: 'no difference', found: `${this.#more} more` }]
  }
}
