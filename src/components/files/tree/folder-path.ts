import { openInside, type Folder } from './folder.ts'
import { isInside, ROOT, type RawPath } from './names.ts'

/**
 * The open folders from a root to where a writer is. Each was opened inside the one above and none by following a link,
 * so what is created in them is inside the root. Entries in walk order open every folder once.
 */
export class FolderPath {
  readonly #root: Folder
  readonly #below: { readonly path: RawPath; readonly folder: Folder }[] = []
  readonly #beforeLeaving: () => Promise<void>

  constructor(root: Folder, beforeLeaving: () => Promise<void> = () => Promise.resolve()) {
    this.#root = root
    this.#beforeLeaving = beforeLeaving
  }

  /** The folder at `path`; fails with ENOTDIR or ELOOP when a link or a file is anywhere on the way. */
  async at(path: RawPath): Promise<Folder> {
    await this.#leave((open) => open !== path && !isInside(path, open))
    const opened = this.#below.at(-1)?.path ?? ROOT
    if (path === opened) return this.#current()
    const rest = opened === ROOT ? path : path.slice(opened.length + 1)
    for (const name of rest.split('/')) await this.#enter(name)
    return this.#current()
  }

  /** Closes all but the root, which belongs to the caller. */
  async close(): Promise<void> {
    for (const { folder } of this.#below.splice(0)) await folder.handle.close()
  }

  #current(): Folder {
    return this.#below.at(-1)?.folder ?? this.#root
  }

  async #enter(name: RawPath): Promise<void> {
    const above = this.#below.at(-1)?.path
    const folder = await openInside(this.#current(), name)
    this.#below.push({ path: above === undefined ? name : `${above}/${name}`, folder })
  }

  async #leave(isOutside: (path: RawPath) => boolean): Promise<void> {
    for (let last = this.#below.at(-1); last !== undefined && isOutside(last.path); last = this.#below.at(-1)) {
      await this.#beforeLeaving()
      this.#below.pop()
      await last.folder.handle.close()
    }
  }
}
