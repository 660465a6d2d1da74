import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemFailure, type Failure } from '../../core/failure.ts'
import { createDurably, renameDurably, type FileOwner } from '../../system/files/durable-file.ts'
import { syncFolder } from '../../system/files/sync-folder.ts'

/** Writes a new private file, durably, and gives it its owner and mode. What an earlier try left is replaced. */
export async function writeDurably(path: string, content: Uint8Array, owner: FileOwner): Promise<void> {
  await naming(path, async () => {
    await rm(path, { force: true })
    await createDurably(path, content, owner)
  })
}

export async function mark(path: string): Promise<void> {
  await naming(path, async () => {
    await (await open(path, 'w', 0o600)).close()
    await syncFolder(dirname(path))
  })
}

export async function move(from: string, to: string): Promise<void> {
  await naming(to, () => renameDurably(from, to))
}

/** A second name for the same file: the first stays until something is renamed over it. */
export async function alsoNamed(path: string, other: string): Promise<void> {
  await naming(other, async () => {
    await link(path, other)
    await syncFolder(dirname(other))
  })
}

export async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await naming(path, () => rm(path, { force: true }))
}

/** Makes the folder, private, when it is not there. */
export async function privateFolder(path: string): Promise<void> {
  await naming(path, async () => void (await mkdir(path, { recursive: true, mode: 0o700 })))
}

async function naming<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (cause) {
    throw cannotWrite(path, cause)
  }
}

/** A missing right has a hint of its own here; a full disk has that of every full disk. */
export function cannotWrite(path: string, cause: unknown): Failure {
  const act = `${path} cannot be written`
  const failure = systemFailure(act, cause)
  return failure.kind === 'denied' ? systemFailure(act, cause, DENIED) : failure
}

const DENIED =
  'Run Holdfast as root or as the owner of the folder. Docker mounts secrets read-only: restore to where they come from.'
