import { isInside, type RawPath } from '../tree/names.ts'
import type { DirectoryEntry } from './entry.ts'

/** Folders that are captured only if something in them is. */
export class PendingFolders {
  #folders: DirectoryEntry[] = []

  add(folder: DirectoryEntry): void {
    this.#folders = [...this.#folders.filter(({ path }) => isInside(folder.path, path)), folder]
  }

  takeAbove(path: RawPath): readonly DirectoryEntry[] {
    const above = this.#folders.filter((folder) => isInside(path, folder.path))
    this.#folders = []
    return above
  }
}
