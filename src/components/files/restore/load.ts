import { mkdir, open } from 'node:fs/promises'
import type { Bytes, Context } from '../../../core/ports.ts'
import { renameDurably } from '../../../system/files/durable-file.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { currentUser } from '../tree/accounts.ts'
import { readArchive } from '../capture/archive.ts'
import { CONTENT, ENTRIES } from '../capture/write-both.ts'
import { naming } from '../failures.ts'
import { withFolder, type Folder } from '../tree/folder.ts'
import { entriesOf, storedEntries } from '../capture/listing.ts'
import type { FolderPaths } from './places.ts'
import { drain } from '../tree/read-file.ts'
import { removeTree } from '../tree/remove-tree.ts'
import type { FilesDetails } from '../schema.ts'
import { TreeWriter } from '../tree/tree-writer.ts'
import type { Rights } from '../tree/write-file.ts'

export interface Load {
  readonly places: FolderPaths
  /** The folder to write into; it exists once `prepare` ran. */
  readonly root: string
  readonly prepare: () => Promise<void>
  /** Whether the root is live: then everything is made aside first. */
  readonly staged: boolean
}

/**
 * Restores a captured folder. The list of entries gets its final name last, so that where it is, the whole folder is;
 * a run that dies leaves only `work`, which the next one removes first.
 */
export async function loadFiles(
  { places, root, prepare, staged }: Load,
  details: FilesDetails,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const unfinished = `${places.list}.unfinished`
  await context.effects.run('files: remove what an earlier run left', () => removeTree(places.work))
  await context.effects.run('files: make a private folder', prepare)
  await context.effects.run('files: keep the list of entries', () =>
    keepList(unfinished, source.read(ENTRIES), details),
  )
  await context.effects.run('files: restore every entry', async () => {
    await withFolder(root, (folder) =>
      staged ? withFolder(places.work, (staging) => extract(folder, staging)) : extract(folder, undefined),
    )
  })
  await context.effects.run('files: mark the folder complete', async () => {
    await naming('keep', places.list, () => renameDurably(unfinished, places.list))
  })

  async function extract(folder: Folder, staging: Folder | undefined): Promise<void> {
    const writer = new TreeWriter(folder, { rights: await rightsHere(), ...(staging === undefined ? {} : { staging }) })
    try {
      await readArchive(
        source.read(CONTENT),
        storedEntries(unfinished, details),
        (...entry) => writer.place(...entry),
        context.signal,
      )
      await writer.finish(storedEntries(unfinished, details))
    } finally {
      await writer.close()
    }
  }
}

/** The copy is checked while it is written and again whenever it is read. */
async function keepList(path: string, entries: Bytes, details: FilesDetails): Promise<void> {
  const file = await naming('write', path, () => open(path, 'wx', 0o600))
  try {
    for await (const chunk of entries) await naming('write', path, () => file.writeFile(chunk))
    await file.sync()
  } finally {
    await file.close()
  }
  for await (const _entry of storedEntries(path, details)) {
    // Reading is the check: nothing is restored from a list that is not whole and in order.
  }
}

/** Reads archive and list to their end, as a restore would, and checks every byte. */
export async function examineFiles(details: FilesDetails, source: ArtifactSource, context: Context): Promise<void> {
  await readArchive(
    source.read(CONTENT),
    entriesOf(source.read(ENTRIES), details),
    (_entry, content) => drain(content),
    context.signal,
  )
}

/** Makes a folder that only we can enter. */
export async function makePrivate(path: string): Promise<void> {
  await naming('make folder', path, () => mkdir(path, { mode: 0o700 }))
}

export async function rightsHere(): Promise<Rights> {
  return { owners: (await currentUser()) === 0 }
}
