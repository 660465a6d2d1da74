import { readdir, stat } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { Stats } from 'node:fs'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { FoundDump, FoundDumps } from '../../capabilities/dumps.ts'
import { readArchiveDate } from './files/archive-toc.ts'
import { dated, describeFile } from './files/dump-date.ts'
import { attemptRead } from './files/dump-file.ts'

const TOC = 'toc.dat'
/** Names that people give to dumps. What is called so is taken for one, so that what is wrong with it is said. */
const DUMP_NAME = /\.(?:sql|dump|pgdump|backup|tar)(?:\.(?:gz|zst|zstd|lz4|bz2|xz))?$/i

/** The dump at a path, or all below a folder, or all whose path begins so; the oldest first. */
export async function findDumps(where: string, context: Context): Promise<FoundDumps> {
  const found: Found = { base: where, dumps: [], others: [] }
  const given = await statOf(where)
  if (given === undefined)
    await takeFolder(dirname(where), { ...found, base: dirname(where) }, context, basename(where))
  else await take(where, given, found, context)
  if (found.dumps.length + found.others.length === 0)
    throw new Failure('notFound', `nothing is at ${where}`, {
      hint: 'Give a dump, a folder of dumps, or how the paths of several begin.',
    })
  return {
    dumps: found.dumps.toSorted((a, b) => (a.dumped < b.dumped ? -1 : a.dumped > b.dumped ? 1 : byName(a, b))),
    others: found.others,
  }
}

interface Found {
  readonly base: string
  readonly dumps: FoundDump[]
  readonly others: string[]
}

function byName(a: FoundDump, b: FoundDump): number {
  return a.name < b.name ? -1 : 1
}

async function takeFolder(folder: string, found: Found, context: Context, prefix = ''): Promise<void> {
  const entries = await attemptRead(folder, () => readdir(folder, { withFileTypes: true }))
  for (const { name } of entries.filter((entry) => entry.name.startsWith(prefix) && !isFolderLink(entry))) {
    const path = join(folder, name)
    const there = await statOf(path)
    if (there !== undefined) await take(path, there, found, context)
  }
}

/** A link may lead round in a circle. A link to a folder is not followed; one to a file is read as the file. */
function isFolderLink(entry: { isSymbolicLink(): boolean; readonly name: string }): boolean {
  return entry.isSymbolicLink() && !DUMP_NAME.test(entry.name)
}

async function take(path: string, there: Stats, found: Found, context: Context): Promise<void> {
  context.signal.throwIfAborted()
  if (there.isDirectory() && (await statOf(join(path, TOC))) === undefined) return takeFolder(path, found, context)
  const name = relative(found.base, path) || basename(path)
  const described = there.isDirectory() ? await describeFolder(path) : await describeOrGuess(path, there, context)
  if (described === undefined) {
    found.others.push(name)
    return
  }
  const { format, dumped } = described
  found.dumps.push({
    path,
    name,
    format,
    dumped: (dumped ?? there.mtime).toISOString(),
    dumpedBy: dumped === undefined ? 'file' : 'dump',
  })
}

type Described = Awaited<ReturnType<typeof describeFile>>

async function describeFolder(path: string): Promise<Described> {
  const toc = join(path, TOC)
  return { format: 'directory', ...(await dated(() => readArchiveDate(toc, createReadStream(toc)))) }
}

async function describeOrGuess(path: string, there: Stats, context: Context): Promise<Described> {
  const guess: Described = DUMP_NAME.test(path) ? { format: 'sql' } : undefined
  if (!there.isFile()) return undefined
  try {
    return (await describeFile(path, there.size, context)) ?? guess
  } catch (error) {
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    // What cannot be read fails when it is its turn, and none of the others with it.
    return { format: 'sql' }
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(() => undefined)
}
