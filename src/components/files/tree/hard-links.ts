import type { BigIntStats } from 'node:fs'
import type { RawPath } from './names.ts'

/** Finds further names of files that were seen before. Remembers a file only until all its names were seen. */
export class HardLinks {
  readonly #seen = new Map<string, { readonly first: RawPath; missing: bigint }>()

  /** The first path of the same file, if there was one. */
  firstOf(stat: BigIntStats): RawPath | undefined {
    const key = keyOf(stat)
    const known = this.#seen.get(key)
    if (known === undefined) return undefined
    known.missing -= 1n
    if (known.missing <= 0n) this.#seen.delete(key)
    return known.first
  }

  remember(path: RawPath, stat: BigIntStats): void {
    if (stat.nlink > 1n) this.#seen.set(keyOf(stat), { first: path, missing: stat.nlink - 1n })
  }
}

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}
