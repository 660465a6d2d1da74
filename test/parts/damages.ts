import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** One way to damage a file. Gives false where it cannot be done to this one, and nothing was changed. */
export interface Damage {
  readonly name: string
  act(path: string, chance: Chance): Promise<boolean>
}

/** Numbers that look random and repeat with their seed. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to `below` - 1. */
  below(below: number): number {
    // Mulberry32, of the public domain.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0]
  }
}

function ofBytes(name: string, change: (bytes: Buffer, chance: Chance) => Buffer | undefined): Damage {
  return {
    name,
    async act(path, chance) {
      const bytes = await readFile(path)
      const changed = change(Buffer.from(bytes), chance)
      if (changed === undefined || changed.equals(bytes)) return false
      await writeFile(path, changed)
      return true
    },
  }
}

const flipBit = (bytes: Buffer, chance: Chance): Buffer | undefined => {
  if (bytes.length === 0) return undefined
  const at = chance.below(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8))
  return bytes
}

type Json = Record<string, unknown>

/** Of a JSON document, or of the document inside a signed envelope, which is not signed anew. */
function ofDocument(name: string, change: (document: Json, chance: Chance) => Json | undefined): Damage {
  return ofBytes(name, (bytes, chance) => {
    const outer = parsed(bytes)
    if (outer === undefined) return undefined
    const payload = typeof outer['payload'] === 'string' ? Buffer.from(outer['payload'], 'base64') : undefined
    const inner = payload === undefined ? undefined : parsed(payload)
    if (inner === undefined || chance.below(3) === 0) return written(change(outer, chance))
    const changed = change(inner, chance)
    return changed === undefined
      ? undefined
      : written({ ...outer, payload: Buffer.from(JSON.stringify(changed)).toString('base64') })
  })
}

function parsed(bytes: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    // An object that JSON.parse made has string keys.
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

function written(document: Json | undefined): Buffer | undefined {
  return document === undefined ? undefined : Buffer.from(JSON.stringify(document))
}

function withMember(document: Json, chance: Chance, value: (old: unknown) => unknown): Json | undefined {
  const names = Object.keys(document)
  const name = names[chance.below(Math.max(1, names.length))]
  return name === undefined ? undefined : { ...document, [name]: value(document[name]) }
}

function otherValue(old: unknown): unknown {
  if (typeof old === 'number') return old + 1
  if (typeof old === 'boolean') return !old
  if (typeof old === 'string') return old === '' ? 'x' : `${old.slice(0, -1)}${old.endsWith('0') ? '1' : '0'}`
  return old === null ? 'x' : null
}

export const damages: readonly [Damage, ...Damage[]] = [
  ofBytes('one bit is flipped', flipBit),
  ofBytes('one bit of the first 120 bytes is flipped', (bytes, chance) => {
    const head = flipBit(bytes.subarray(0, 120), chance)
    return head === undefined ? undefined : Buffer.concat([head, bytes.subarray(120)])
  }),
  ofBytes('the last byte is cut off', (bytes) => (bytes.length === 0 ? undefined : bytes.subarray(0, -1))),
  ofBytes('it is cut in two', (bytes, chance) => bytes.subarray(0, chance.below(Math.max(1, bytes.length)))),
  ofBytes('it is empty', () => Buffer.alloc(0)),
  ofBytes('bytes are appended', (bytes) => Buffer.concat([bytes, Buffer.from('{"more"')])),
  ofBytes('a piece is zero', (bytes, chance) =>
    bytes.fill(0, chance.below(Math.max(1, bytes.length)), Math.min(bytes.length, 512 + chance.below(4096))),
  ),
  ofBytes('it is other bytes of its length', (bytes, chance) => bytes.map(() => chance.below(256)) as Buffer),
  ofDocument('a member is gone', (document, chance) => {
    const names = Object.keys(document)
    const name = names[chance.below(Math.max(1, names.length))]
    return Object.fromEntries(Object.entries(document).filter(([one]) => one !== name))
  }),
  ofDocument('a member is another value', (document, chance) => withMember(document, chance, otherValue)),
  ofDocument('a member is of another type', (document, chance) => withMember(document, chance, (old) => [old])),
  ofDocument('it is of a newer format', (document) => ('format' in document ? { ...document, format: 2 } : undefined)),
  ofBytes('a member is there twice', (bytes) =>
    parsed(bytes) === undefined
      ? undefined
      : Buffer.from(bytes.toString('utf8').replace(/^\{("[^"]+":)/, '{$1null,$1')),
  ),
  {
    name: 'it is gone',
    async act(path) {
      await rm(path)
      return true
    },
  },
  {
    name: 'it is a folder',
    async act(path) {
      await rm(path)
      await mkdir(path)
      return true
    },
  },
  {
    name: 'it has another name',
    async act(path) {
      await rename(path, join(dirname(path), 'copy-of-something'))
      return true
    },
  },
]
