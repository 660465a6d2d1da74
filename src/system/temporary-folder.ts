import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new empty folder that only we can enter (0700). Whoever makes it removes it. */
export function makeTemporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-'))
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
