import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Failure, systemFailure } from '../core/failure.ts'
import type { Effects, Records } from '../core/ports.ts'

const SUFFIX = '.json'

/** Records as JSON files in a private folder, which is made when it is first written to. */
export function folderRecords(folder: string, effects: Effects): Records {
  const path = (name: string): string => join(folder, `${name}${SUFFIX}`)
  return {
    save: (name, value) =>
      effects.run(`record ${name}`, () => writeWhole(folder, path(name), JSON.stringify(value, null, 1))),
    load: (name) => readRecord(path(name)),
    list: () => listRecords(folder),
    remove: (name) => effects.run(`forget record ${name}`, () => rm(path(name), { force: true })),
  }
}

/** Temp file, fsync, rename, fsync of the folder: a crash leaves the old file or the new one. */
async function writeWhole(folder: string, path: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${path}.tmp-${randomBytes(4).toString('hex')}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(folder)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readRecord(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw systemFailure(`${path} cannot be read`, cause)
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('corrupt', `${path} is damaged`, {
      cause,
      hint: 'It holds the state of an operation on this machine. Move it away after reading what it says.',
    })
  }
}

async function listRecords(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort()
  } catch (cause) {
    if (isMissing(cause)) return []
    throw systemFailure(`folder ${folder} cannot be read`, cause)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
