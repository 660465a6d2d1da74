import { Failure } from '../../../core/failure.ts'
import { nothingThere } from '../../nothing-there.ts'
import type { Context } from '../../../core/ports.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { CaptureStats } from '../capture/capture-stats.ts'
import type { DirectoryEntry, FileEntry } from '../capture/entry.ts'
import type { LineChannel } from '../capture/line-channel.ts'
import { WORDS } from '../capture/not-captured-words.ts'
import { PendingFolders } from '../capture/pending-folders.ts'
import { isOwn, selectionOf, type Selection } from '../capture/selection.ts'
import { endOfArchive, padding, tarHeader } from '../capture/tar-header.ts'
import { writeBoth } from '../capture/write-both.ts'
import type { FilesDetails, FilesSettings } from '../schema.ts'
import { isInside, joined, ROOT, shown, walkOrder, type RawPath } from '../tree/names.ts'
import { PassingHash } from '../tree/read-file.ts'
import { lookAt, tarOf } from './look.ts'
import type { InsideShell } from './shell.ts'
import { spool, type Spooled, type SpooledEntry } from './spooled.ts'
import { lessPrecise, noteWords } from './tar-words.ts'
import type { TarRequest } from './tar-output.ts'

/** The same two artifacts as of a folder of this host. */
export async function captureByTar(
  settings: FilesSettings,
  shell: InsideShell,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<Omit<FilesDetails, 'via'>>> {
  const request = await tarRequest(settings, shell, context)
  const selection = selectionOf(settings)
  const wants = (path: RawPath): boolean =>
    !waysTo(path).some((way) => selection.excludes(way)) && selection.includes(path)
  const spooled = await spool(request, wants, context)
  try {
    const stats = new CaptureStats()
    noteWords(request, spooled.end, stats)
    const root = rootOf(spooled, request)
    await writeBoth((lines) => archiveOf(spooled, { selection, stats, lines }), sink)
    const { path, include, exclude } = settings
    const of = { path, root: { mode: root.mode, uid: root.uid, gid: root.gid } }
    const details = { ...of, ...(include === undefined ? {} : { include }), exclude, ...stats.details() }
    return { details, notCaptured: [...stats.notCaptured(), ...lessPrecise(request)] }
  } finally {
    await spooled.close()
  }
}

/** Fails where the folder is not there, or nothing can read it. */
export async function tarRequest(settings: FilesSettings, shell: InsideShell, context: Context): Promise<TarRequest> {
  const { path, crossFilesystems } = settings
  const [seen] = await lookAt(shell, [path], context)
  const name = `folder ${path} in ${shell.name}`
  if (seen?.kind === 'nothing') throw nothingThere(`${name} is not there`)
  if (seen?.kind === 'link')
    throw new Failure('refused', `${name} is a symbolic link`, {
      hint: 'Name the folder itself, by its absolute path.',
    })
  if (seen?.kind === 'other')
    throw new Failure('refused', `${name} is not a folder`, { hint: 'Name the folder itself, by its absolute path.' })
  const tar = await tarOf(shell, context)
  if (tar !== 'none') return { shell, path, tar, crossFilesystems }
  throw new Failure('unsupported', `${name} cannot be read: no tar is there`, {
    hint: 'Mount the volume on this host and give its path there without reach, or use an image with tar.',
  })
}

function rootOf({ entries }: Spooled, { path }: TarRequest): SpooledEntry & DirectoryEntry {
  const root = entries.get(ROOT)
  if (root?.type === 'directory') return root
  throw new Failure('unsupported', `the tar of the container did not begin with the folder ${path}`)
}

/** A path and all folders above it, from the outermost. */
function waysTo(path: RawPath): RawPath[] {
  let above = ROOT
  return path === ROOT ? [] : path.split('/').map((name) => (above = joined(above, name)))
}

interface Writing {
  readonly selection: Selection
  readonly stats: CaptureStats
  readonly lines: LineChannel
}

async function* archiveOf(spooled: Spooled, writing: Writing): AsyncGenerator<Uint8Array> {
  const { selection, stats, lines } = writing
  const pending = new PendingFolders()
  const writer = new EntryWriter(spooled, writing)
  let left: RawPath | undefined
  for (const entry of [...spooled.entries.values()].sort((a, b) => walkOrder(a.path, b.path))) {
    const { path } = entry
    if (left !== undefined && isInside(path, left)) continue
    left = path === ROOT || !selection.excludes(path) ? undefined : path
    if (left !== undefined) {
      if (isOwn(path)) stats.omit(WORDS.own, path)
    } else if (path === ROOT || selection.includes(path)) {
      for (const folder of pending.takeAbove(path)) yield* writer.write(folder)
      yield* writer.write(entry)
    } else if (entry.type === 'directory') {
      pending.add(entry)
    }
  }
  yield endOfArchive()
  lines.end()
}

class EntryWriter {
  readonly #spooled: Spooled
  readonly #writing: Writing
  /** The name under which each file was written first. */
  readonly #first = new Map<SpooledEntry, RawPath>()

  constructor(spooled: Spooled, writing: Writing) {
    this.#spooled = spooled
    this.#writing = writing
  }

  async *write(entry: SpooledEntry): AsyncGenerator<Uint8Array> {
    // The names of one file are links to that which tar met first; here to the first of the walk.
    const is = entry.type === 'link' ? this.#spooled.entries.get(entry.target) : entry
    if (is === undefined || is.type === 'link') throw lostLink(entry.path)
    const { path } = entry
    if (is.type === 'special') this.#writing.stats.omit(WORDS.special(is.kind), path)
    else if (is.type === 'file') yield* this.#file(is, path)
    else yield* this.#plain({ ...is, path })
  }

  async *#file(is: SpooledEntry & { readonly type: 'file' }, path: RawPath): AsyncGenerator<Uint8Array> {
    const { from, size, ...facts } = { ...is, path }
    const target = this.#first.get(is)
    if (target !== undefined) return yield* this.#plain({ ...facts, type: 'link', target })
    if (from === undefined) throw lostLink(path)
    this.#first.set(is, path)
    yield tarHeader({ ...facts, size, sha256: '' }, size)
    const hash = new PassingHash()
    yield* hash.through(this.#spooled.read(from, size))
    yield padding(size)
    await this.#line({ ...facts, size, sha256: hash.digest() })
  }

  async *#plain(entry: FileEntry): AsyncGenerator<Uint8Array> {
    await this.#line(entry)
    yield tarHeader(entry, 0)
  }

  async #line(entry: FileEntry): Promise<void> {
    await this.#writing.lines.write(this.#writing.stats.count(entry))
  }
}

function lostLink(path: RawPath): Failure {
  return new Failure('unreachable', `the tar of the container gave no content for ${shown(path)}`, {
    hint: 'Run it again.',
  })
}
