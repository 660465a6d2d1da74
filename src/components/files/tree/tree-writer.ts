import { link, mkdir, rename, rm, symlink, unlink, type FileHandle } from 'node:fs/promises'
import type { Bytes } from '../../../core/ports.ts'
import type { DirectoryEntry, FileEntry, LinkEntry, RegularEntry, SymlinkEntry } from '../capture/entry.ts'
import { BoundedTasks } from '../../../system/bounded-tasks.ts'
import { syncOpenFolder } from '../../../system/files/sync-folder.ts'
import { fileFailure } from '../failures.ts'
import { FolderPath } from './folder-path.ts'
import { child, openInside, statIn, type Folder } from './folder.ts'
import { bytesOf, isInside, lastName, parentOf, ROOT, shown, type RawPath } from './names.ts'
import { setLinkMetadata, setMetadata, writeNewFile, type Rights } from './write-file.ts'

/** Many small files are made durable by few commits of the file system's journal instead of one each. */
const AT_ONCE = 32

export interface WriterOptions {
  readonly rights: Rights
  /**
   * A folder on the same file system where everything is made first, and from which it is renamed over what is live.
   * Absent when the root is new and private: then everything is made where it belongs.
   */
  readonly staging?: Folder
}

/**
 * Writes entries, which must come in walk order, into a folder and nowhere else: every parent is opened inside the one
 * above without following links, and files are only ever created, never opened where something is. Links come in a
 * second pass, so that while contents are written there is no link of the archive in the tree at all.
 */
export class TreeWriter {
  readonly #root: Folder
  readonly #options: WriterOptions
  readonly #path: FolderPath
  readonly #unfinished = new BoundedTasks()
  #staged = 0

  constructor(root: Folder, options: WriterOptions) {
    this.#root = root
    this.#options = options
    // What is staged is renamed into its folder, which must still be open then.
    this.#path = new FolderPath(root, () => (options.staging === undefined ? Promise.resolve() : this.#settle()))
  }

  /** First pass: folders, files and hard links. */
  async place(entry: FileEntry, content: Bytes, version: number): Promise<void> {
    if (entry.path === ROOT || entry.type === 'symlink') return
    await this.#naming(entry.path, async () => {
      const parent = await this.#path.at(parentOf(entry.path))
      if (entry.type === 'directory') await this.#placeFolder(parent, lastName(entry.path))
      else if (entry.type === 'link') await this.#placeLink(parent, entry)
      else await this.#placeFile(parent, entry, content, version)
    })
  }

  /** Second pass: symbolic links, then owner, mode and time of every folder after all that is in it. Ends durable. */
  async finish(entries: AsyncIterable<FileEntry>): Promise<void> {
    const folders: DirectoryEntry[] = []
    // A file that gets its name after the time of its folder was set would change that time.
    await this.#settle()
    for await (const entry of entries) {
      await this.#finishFolders(folders, (folder) => !isInside(entry.path, folder))
      if (entry.type === 'directory') folders.push(entry)
      else if (entry.type === 'symlink') await this.#naming(entry.path, () => this.#placeSymlink(entry))
    }
    await this.#finishFolders(folders, () => true)
    await this.#settle()
  }

  /** Closes what is open, without an error of its own. */
  async close(): Promise<void> {
    await this.#unfinished.settled()
    await this.#path.close()
  }

  async #settle(): Promise<void> {
    await this.#unfinished.settled()
    this.#unfinished.throwFailure()
  }

  async #placeFolder(parent: Folder, name: RawPath): Promise<void> {
    const there = this.#options.staging === undefined ? undefined : await statIn(parent, name)
    if (there?.isDirectory() === true) return
    // In place, a link or file where a folder was captured gives way; what a link points to is not touched.
    if (there !== undefined) await unlink(child(parent, name))
    await mkdir(child(parent, name), 0o700)
  }

  async #placeFile(parent: Folder, entry: RegularEntry, content: Bytes, version: number): Promise<void> {
    if (version > 1) await this.#removeEarlier(parent, entry)
    const place = this.#placeFor(parent, entry.path)
    const handle = await writeNewFile(place.made, content)
    await this.#unfinished.start(AT_ONCE, () => this.#naming(entry.path, () => this.#complete(handle, entry, place)))
  }

  /** The file is whole, owned and durable before it gets its name. */
  async #complete(handle: FileHandle, entry: RegularEntry, place: Made): Promise<void> {
    await setMetadataOrClose(handle, entry, this.#options.rights)
    await syncAndClose(handle)
    await moveIn(place)
  }

  async #removeEarlier(parent: Folder, { path }: RegularEntry): Promise<void> {
    await this.#settle()
    if (this.#options.staging === undefined) await unlink(child(parent, lastName(path)))
  }

  async #placeLink(parent: Folder, { path, target }: LinkEntry): Promise<void> {
    await this.#settle()
    const place = this.#placeFor(parent, path)
    const source = new FolderPath(this.#root)
    try {
      await link(child(await source.at(parentOf(target)), lastName(target)), place.made)
    } finally {
      await source.close()
    }
    await moveIn(place)
  }

  async #placeSymlink({ path, ...entry }: SymlinkEntry): Promise<void> {
    const place = this.#placeFor(await this.#path.at(parentOf(path)), path)
    await symlink(bytesOf(entry.target), place.made)
    await setLinkMetadata(place.made, { path, ...entry }, this.#options.rights)
    await moveIn(place)
  }

  #placeFor(parent: Folder, path: RawPath): Made {
    const final = child(parent, lastName(path))
    const { staging } = this.#options
    if (staging === undefined) return { made: final, final }
    this.#staged += 1
    return { made: child(staging, `new-${this.#staged}`), final }
  }

  async #finishFolders(folders: DirectoryEntry[], isDone: (path: RawPath) => boolean): Promise<void> {
    for (let last = folders.at(-1); last !== undefined && isDone(last.path); last = folders.at(-1)) {
      folders.pop()
      const entry = last
      await this.#naming(entry.path, () => this.#finishFolder(entry))
    }
  }

  async #finishFolder(entry: DirectoryEntry): Promise<void> {
    const { handle } = await openInside(await this.#path.at(entry.path), ROOT)
    await setMetadataOrClose(handle, entry, this.#options.rights)
    await this.#unfinished.start(AT_ONCE, () => syncOpenFolder(handle))
  }

  async #naming(path: RawPath, task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      throw fileFailure('restore', shown(path), error)
    }
  }
}

interface Made {
  readonly made: Buffer
  readonly final: Buffer
}

async function setMetadataOrClose(handle: FileHandle, entry: FileEntry, rights: Rights): Promise<void> {
  try {
    await setMetadata(handle, entry, rights)
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function syncAndClose(handle: FileHandle): Promise<void> {
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function moveIn({ made, final }: Made): Promise<void> {
  if (made.equals(final)) return
  await rename(made, final)
  // A rename between two names of one file does nothing and keeps both.
  await rm(made, { force: true })
}
