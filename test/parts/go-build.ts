import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findGo } from './go.ts'

export interface GoProgram {
  /** Of the file in the cache; what it was built from is added, so that another version is another file. */
  readonly name: string
  /** The folder of the module, in which the build runs. */
  readonly module: string
  /** What of the module decides what is built. */
  readonly files: readonly string[]
  /** Of `go build`, without `-o`; the package at the end. */
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly limit: number
  /** What to tell people when it cannot be built. */
  readonly otherwise: string
  /** Where the module cannot be built as it is: gives a folder to build in instead. */
  readonly prepare?: (module: string, go: string) => Promise<Prepared>
}

export interface Prepared {
  readonly module: string
  done(): Promise<void>
}

/** A program of pinned modules, built from source the first time into the user's cache. */
export async function buildOnce(program: GoProgram): Promise<string> {
  const folder = process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts')
  const sources = await Promise.all(program.files.map((file) => readFile(join(program.module, file))))
  const built = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 12)
  const path = join(folder, 'bin', `${program.name}-${built}`)
  if (existsSync(path)) return path
  await mkdir(join(folder, 'bin'), { recursive: true })
  const unfinished = `${path}.tmp-${process.pid}`
  await build(program, await findGo(folder), unfinished)
  // Only a whole build gets the name; two test files that build at once both end with the same.
  await rename(unfinished, path)
  return path
}

async function build(program: GoProgram, go: string, path: string): Promise<void> {
  const { args, environment, limit, otherwise } = program
  try {
    const prepared = await program.prepare?.(program.module, go)
    const options = { cwd: prepared?.module ?? program.module, timeout: limit, env: { ...process.env, ...environment } }
    const all = ['build', ...args.slice(0, -1), '-o', path, ...args.slice(-1)]
    try {
      await promisify(execFile)(go, all, options)
    } finally {
      await prepared?.done()
    }
  } catch (cause) {
    throw new Error(otherwise, { cause })
  }
}
