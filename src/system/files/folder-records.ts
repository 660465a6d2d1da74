import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, systemFailure } from '../../core/failure.ts'
import type { Effects, Records } from '../../core/ports.ts'
import { replaceDurably } from './durable-file.ts'
import { hasCode } from './errno.ts'
import { makeFolders } from './sync-folder.ts'

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

async function writeWhole(folder: string, path: string, text: string): Promise<void> {
  await makeFolders(folder)
  await replaceDurably(path, text, { mode: 0o600 })
}

async function readRecord(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
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
    if (hasCode(cause, 'ENOENT')) return []
    throw systemFailure(`folder ${folder} cannot be read`, cause)
  }
}
