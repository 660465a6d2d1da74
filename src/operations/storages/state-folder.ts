import { Failure } from '../../core/failure.ts'
import type { Effects, Records } from '../../core/ports.ts'
import { folderRecords } from '../../system/files/folder-records.ts'

const FULL = ['ENOSPC', 'EDQUOT']
const CLOSED = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT']

/** The records of this machine. A folder that is full or may not be written is the operator's to repair, and is named. */
export function stateRecords(folder: string, effects: Effects): Records {
  const records = folderRecords(folder, effects)
  const named = async <Result>(act: Promise<Result>): Promise<Result> => {
    try {
      return await act
    } catch (error) {
      throw nameFolder(folder, error)
    }
  }
  return {
    save: (name, value) => named(records.save(name, value)),
    load: (name) => named(records.load(name)),
    list: () => named(records.list()),
    remove: (name) => named(records.remove(name)),
  }
}

function nameFolder(folder: string, error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error) || !('code' in error)) return error
  const details = { cause: error, facts: { code: String(error.code) } }
  if (FULL.includes(details.facts.code)) {
    return new Failure('refused', `no space left for the state of this machine in ${folder}`, {
      ...details,
      hint: 'Make room there, or set state in the configuration to another folder.',
    })
  }
  if (!CLOSED.includes(details.facts.code)) return error
  return new Failure('denied', `the state of this machine cannot be kept in ${folder}`, {
    ...details,
    hint: 'Give this user the right to write there, or set state in the configuration to another folder.',
  })
}
