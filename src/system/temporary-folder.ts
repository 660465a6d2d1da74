import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../core/failure.ts'

/** A new empty folder that only we can enter (0700). Whoever makes it removes it. */
export async function makeTemporaryFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'holdfast-'))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
    throw new Failure('refused', `the folder for temporary files ${tmpdir()} is not there`, {
      cause,
      hint: 'Make it, or let TMPDIR name another one.',
    })
  }
}

export function removeTemporaryFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}

/** Gives `act` a new private folder and removes it with all that is in it afterwards, whatever happens. */
export async function withTemporaryFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await makeTemporaryFolder()
  try {
    return await act(folder)
  } finally {
    await removeTemporaryFolder(folder)
  }
}
