import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A dump as its files; one that is a single file has it under the empty name. */
export type DumpFiles = ReadonlyMap<string, Buffer>

/** One way in which a copy of a dump goes wrong. */
export interface Damage {
  readonly name: string
  /** Files took each other's place, so that each is there, whole, under another name. */
  readonly isExchange: boolean
  readonly files: DumpFiles
}

export async function readDump(path: string): Promise<DumpFiles> {
  if ((await stat(path)).isFile()) return new Map([['', await readFile(path)]])
  const names = (await readdir(path)).sort()
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(path, name))] as const)))
}

export async function writeDump(path: string, files: DumpFiles): Promise<void> {
  if (!files.has('')) await mkdir(path)
  for (const [name, bytes] of files) await writeFile(name === '' ? path : join(path, name), bytes)
}

/** All ways, file by file: cut, emptied, removed, exchanged, and with something behind its end. */
export function damagesOf(files: DumpFiles): readonly Damage[] {
  return [...files].flatMap(([name, bytes]) => [
    ...cutsOf(bytes).map((length) => changed(files, name, `cut at ${length}`, bytes.subarray(0, length))),
    ...['x', '\n', '\\.\n', 'select 1;\n'].map((more) =>
      changed(files, name, `with ${JSON.stringify(more)} behind it`, more),
    ),
    changed(files, name, 'twice', bytes),
    changed(files, name, 'its halves exchanged', Buffer.concat([half(bytes, 1), half(bytes, 0)])),
    ...(name === '' ? [] : [removed(files, name), ...exchanged(files, name)]),
  ])
}

/** Evenly over all of them, another choice for each `from`. */
export function choose<Item>(items: readonly Item[], count: number, from: number): readonly Item[] {
  const step = Math.max(1, items.length / count)
  return Array.from({ length: Math.min(count, items.length) }, (_, index) => {
    const item = items[Math.floor(index * step + (from % step)) % items.length]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  })
}

/** Nothing, ends of lines, and within the last bytes. */
function cutsOf(bytes: Buffer): readonly number[] {
  const { length } = bytes
  const lines = [0.1, 0.4, 0.7, 0.95].map((part) => bytes.indexOf('\n', Math.floor(length * part)) + 1)
  const last = bytes.lastIndexOf('\\.')
  const places = [0, 1, Math.floor(length / 2), ...lines, last, last + 2, length - 9, length - 3, length - 1]
  return [...new Set(places)].filter((place) => place >= 0 && place < length)
}

function changed(files: DumpFiles, name: string, how: string, bytes: Buffer | string): Damage {
  const whole = how.startsWith('cut') || how.startsWith('its') ? [bytes] : [files.get(name) ?? '', bytes]
  const content = Buffer.concat(whole.map((part) => Buffer.from(part)))
  return { name: `${name} ${how}`, isExchange: false, files: new Map([...files, [name, content]]) }
}

function half(bytes: Buffer, which: 0 | 1): Buffer {
  const middle = Math.floor(bytes.length / 2)
  return which === 0 ? bytes.subarray(0, middle) : bytes.subarray(middle)
}

function removed(files: DumpFiles, name: string): Damage {
  return { name: `${name} removed`, isExchange: false, files: new Map([...files].filter(([one]) => one !== name)) }
}

/** With the next file of the same kind. */
function exchanged(files: DumpFiles, name: string): readonly Damage[] {
  const kind = (one: string): string => one.replaceAll(/\d+/g, '')
  const names = [...files.keys()].filter((one) => kind(one) === kind(name))
  const other = names[(names.indexOf(name) + 1) % names.length] ?? name
  if (other === name) return []
  const swapped = new Map([
    ...files,
    [name, files.get(other) ?? Buffer.alloc(0)],
    [other, files.get(name) ?? Buffer.alloc(0)],
  ])
  return [{ name: `${name} and ${other} exchanged`, isExchange: true, files: swapped }]
}
