import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ran, Started } from './holdfast.ts'

/** Secret values by what they are; none may be seen anywhere but where its owner put it. */
export type Canaries = Readonly<Record<string, string>>

/** Something that somebody else may read, and what it is. */
export interface Seen {
  readonly where: string
  readonly bytes: Buffer
}

/** Where a canary is, in clear or in one of the forms that programs write values in. */
export function leaksIn(seen: readonly Seen[], canaries: Canaries): readonly string[] {
  const forms = Object.entries(canaries).map(([name, value]) => ({ name, forms: formsOf(value) }))
  return seen.flatMap(({ where, bytes }) =>
    forms.flatMap(({ name, forms: all }) => (all.some((form) => bytes.includes(form)) ? [`${name} in ${where}`] : [])),
  )
}

function formsOf(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value)
  const texts = [encodeURIComponent(value), JSON.stringify(value).slice(1, -1), bytes.toString('hex'), ...base64(bytes)]
  return [bytes, Buffer.from(value, 'utf16le'), ...texts.map((text) => Buffer.from(text))]
}

/** Base64 differs by where in a text a value begins; the ends, which hold bits of what is beside, are left out. */
function base64(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(before === 0 ? 0 : 4, -4)
  })
}

export function seenOf(command: string, { out, error }: Ran): readonly Seen[] {
  return [
    { where: `standard output of ${command}`, bytes: Buffer.from(out) },
    { where: `standard error of ${command}`, bytes: Buffer.from(error) },
  ]
}

/** The names and contents of everything in a folder. */
export async function seenIn(folder: string): Promise<readonly Seen[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const names = { where: `the names in ${folder}`, bytes: Buffer.from(entries.map(({ name }) => name).join('\n')) }
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const contents = await Promise.all(files.map(async (path) => ({ where: path, bytes: await contentOf(path) })))
  return [names, ...contents]
}

/** A server that runs in the folder removes files while they are looked at, and makes some of them anew. */
async function contentOf(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    const wasGone = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    if (!wasGone && existsSync(path)) throw error
    return Buffer.alloc(0)
  })
}

/** Arguments and environment of every process that a run starts, looked at as often as this machine can. */
export async function watchChildren(started: Started): Promise<{ readonly ran: Ran; readonly seen: readonly Seen[] }> {
  const seen = new Map<string, Seen>()
  const run = { ended: false }
  const ran = started.ended.finally(() => (run.ended = true))
  while (!run.ended) {
    const own = read(started.pid, 'cmdline')
    note(seen, 'arguments of holdfast', own)
    // The launcher is a shell, which becomes Node, and so is Holdfast itself with what the operator gave it.
    if (own.includes('main.ts')) for (const pid of childrenOf(started.pid)) noteChild(seen, pid, own)
    await nextTurn()
  }
  return { ran: await ran, seen: [...seen.values()] }
}

/**
 * A process that was just forked is still a copy of Holdfast; its children get nothing of Holdfast's environment. The
 * arguments are read first: where they are no longer Holdfast's, the environment read after them cannot be the copy's.
 */
function noteChild(seen: Map<string, Seen>, pid: number, own: Buffer): void {
  const arguments_ = read(pid, 'cmdline')
  if (arguments_.length === 0 || arguments_.equals(own)) return
  const environment = read(pid, 'environ')
  note(seen, `arguments of ${nameOf(pid)}`, arguments_)
  note(seen, `environment of ${nameOf(pid)}`, environment)
}

function note(seen: Map<string, Seen>, where: string, bytes: Buffer): void {
  if (bytes.length > 0) seen.set(`${where}\0${bytes.toString('latin1')}`, { where, bytes })
}

/** Whether a process that runs has this argument, or one that begins with it and `=`. */
export function hasArgument(pid: number, argument: string): boolean {
  const given = read(pid, 'cmdline').toString('utf8').split('\0')
  return given.some((one) => one === argument || one.startsWith(`${argument}=`))
}

export function childrenOf(root: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    const parent = /^\d+ \(.*\) \S (\d+) /s.exec(read(Number(name), 'stat').toString('latin1'))?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid)
    return parent !== undefined && (parent === root || isBelow(parent))
  }
  return [...parents.keys()].filter(isBelow)
}

export const nameOf = (pid: number): string => read(pid, 'comm').toString().trim()

/** Nothing where the process is gone. */
function read(pid: number, name: string): Buffer {
  try {
    return readFileSync(`/proc/${pid}/${name}`)
  } catch {
    return Buffer.alloc(0)
  }
}
