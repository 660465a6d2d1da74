import { z } from 'zod'
import { Failure } from '../core/failure.ts'
import type { Records } from '../core/ports.ts'

/** What this machine has seen of a repository, so that a point that vanished or was replaced is noticed. */
export interface Seen {
  /** SHA-256 of the commit file by point id. */
  readonly points: Readonly<Record<string, string>>
  readonly highestSequence: number
  /** The names of proofs that hold a point. Older records have none. */
  readonly holds?: readonly string[]
  readonly identities?: readonly SeenIdentity[]
}

/** A locked private key, with a restore point that was there beside it and the highest generation of its keys. */
export interface SeenIdentity {
  readonly name: string
  readonly point: string
  readonly generation: number
}

/** Keeps what was seen, by repository id. `load` gives `nothingSeen` for a repository that is new to this machine. */
export interface RepositoryMemory {
  load(repository: string): Promise<Seen>
  save(repository: string, seen: Seen): Promise<void>
}

export const nothingSeen: Seen = { points: {}, highestSequence: 0 }

/** For who looks at a repository once: nothing is remembered and nothing can be noticed. */
export const noMemory: RepositoryMemory = {
  load: () => Promise.resolve(nothingSeen),
  save: () => Promise.resolve(),
}

const seenSchema = z.object({
  points: z.record(z.string(), z.string()),
  highestSequence: z.int().nonnegative(),
  holds: z.array(z.string()).exactOptional(),
  identities: z.array(z.object({ name: z.string(), point: z.string(), generation: z.number() })).exactOptional(),
})

/** One record per repository; a crash leaves the old or the new one. */
export function recordsMemory(records: Records): RepositoryMemory {
  return {
    async load(repository) {
      const value = await records.load(repository)
      if (value === undefined) return nothingSeen
      const parsed = seenSchema.safeParse(value)
      if (parsed.success) return parsed.data
      throw new Failure('corrupt', `what this machine remembers of repository ${repository} is damaged`, {
        hint: 'Compare the list of restore points with what you expect, then remove the record; it is made anew.',
      })
    },
    save: (repository, seen) => records.save(repository, seen),
  }
}
