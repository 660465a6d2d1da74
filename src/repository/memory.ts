import { z } from 'zod'
import { describe, Failure } from '../core/failure.ts'
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
  /** Keeps a signed proof that the repository did not take. */
  keepProof(repository: string, name: string, bytes: Buffer): Promise<void>
  keptProofs(repository: string): Promise<KeptProofs>
  forgetProof(repository: string, name: string): Promise<void>
}

export interface KeptProofs {
  /** By the name of the blob that each is to be. */
  readonly proofs: readonly { readonly name: string; readonly bytes: Buffer }[]
  /** What was wrong with those that cannot be read. */
  readonly unread: readonly string[]
}

export const nothingSeen: Seen = { points: {}, highestSequence: 0 }

/** For who looks at a repository once: nothing is remembered and nothing can be noticed. */
export const noMemory: RepositoryMemory = {
  load: () => Promise.resolve(nothingSeen),
  save: () => Promise.resolve(),
  keepProof: () => Promise.reject(new Failure('refused', 'nothing is kept here')),
  keptProofs: () => Promise.resolve({ proofs: [], unread: [] }),
  forgetProof: () => Promise.resolve(),
}

const seenSchema = z.object({
  points: z.record(z.string(), z.string()),
  highestSequence: z.int().nonnegative(),
  holds: z.array(z.string()).exactOptional(),
  identities: z.array(z.object({ name: z.string(), point: z.string(), generation: z.number() })).exactOptional(),
})

/** One record per repository, and one for each proof that is kept; a crash leaves the old or the new one. */
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
    keepProof: (repository, name, bytes) =>
      records.save(keptName(repository, name), { name, document: bytes.toString('utf8') }),
    keptProofs: (repository) => keptProofs(records, repository),
    forgetProof: (repository, name) => records.remove(keptName(repository, name)),
  }
}

const keptSchema = z.object({ name: z.string(), document: z.string() })
const keptPrefix = (repository: string): string => `${repository}-proof-`
const keptName = (repository: string, name: string): string =>
  `${keptPrefix(repository)}${name
    .replace(/^proofs\//, '')
    .replaceAll('/', '-')
    .replace(/\.json$/, '')}`

/** One that cannot be read hides no other. */
async function keptProofs(records: Records, repository: string): Promise<KeptProofs> {
  const names = (await records.list()).filter((name) => name.startsWith(keptPrefix(repository)))
  const proofs: KeptProofs['proofs'][number][] = []
  const unread: string[] = []
  for (const name of names) {
    try {
      const { name: blob, document } = keptSchema.parse(await records.load(name))
      proofs.push({ name: blob, bytes: Buffer.from(document) })
    } catch (error) {
      unread.push(`a proof that is kept on this machine cannot be read: ${describe(error)}`)
    }
  }
  return { proofs, unread }
}
