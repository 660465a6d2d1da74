import type { Context, Progress } from '../../core/ports.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { directEffects } from '../../system/effects.ts'
import { randomHex } from '../../system/random.ts'
import { bytesOf, collect } from '../documents/bytes.ts'
import { createRepository } from '../create.ts'
import { generateKeyPair, type KeyPair } from '../keys/age-keys.ts'
import { generateSigner, type Signer } from '../keys/signer.ts'
import { nothingSeen, type RepositoryMemory } from '../memory.ts'
import { openRepository, type OpenOptions } from '../open.ts'
import { pack } from '../points/pack.ts'
import type { PointContent, PointWriter, Repository } from '../repository.ts'
import { FakeClock } from './fake-clock.ts'

export interface Fixture {
  readonly storage: Storage
  readonly clock: FakeClock
  readonly context: Context
  readonly signer: Signer
  readonly pair: KeyPair
  readonly memory: RepositoryMemory
  readonly repository: Repository
  readonly events: Progress[]
  /** The same repository as another process or machine sees it. */
  reopen(options?: Partial<OpenOptions>, storage?: Storage): Promise<Repository>
}

export async function newFixture(): Promise<Fixture> {
  const clock = new FakeClock()
  const storage = memoryStorage({ clock })
  const events: Progress[] = []
  const context: Context = {
    clock,
    effects: directEffects,
    signal: new AbortController().signal,
    progress: (event) => void events.push(event),
  }
  const { signer } = generateSigner()
  const memory = memoryInMemory()
  await createRepository(storage, { software: 'holdfast test' }, context)
  const defaults: OpenOptions = { signer, trustedSigners: [signer.id], memory, software: 'holdfast test', host: 'here' }
  const reopen: Fixture['reopen'] = (options = {}, other = storage) =>
    openRepository(other, { ...defaults, ...options }, context)
  return {
    storage,
    clock,
    context,
    signer,
    pair: await generateKeyPair(),
    memory,
    repository: await reopen(),
    events,
    reopen,
  }
}

export function memoryInMemory(): RepositoryMemory {
  const all = new Map<string, Awaited<ReturnType<RepositoryMemory['load']>>>()
  const kept = new Map<string, Buffer>()
  return {
    load: async (repository) => all.get(repository) ?? nothingSeen,
    save: async (repository, seen) => void all.set(repository, seen),
    keepProof: async (_repository, name, bytes) => void kept.set(name, bytes),
    keptProofs: async () => ({ proofs: [...kept].map(([name, bytes]) => ({ name, bytes })), unread: [] }),
    forgetProof: async (_repository, name) => void kept.delete(name),
  }
}

export function newPointId(): string {
  return randomHex(16)
}

export async function begin({ repository, pair, context }: Fixture, point = newPointId()): Promise<PointWriter> {
  return repository.begin({ app: 'authentik', point, recipients: [pair.recipient] }, context)
}

/** Writes one component with one artifact and reads it back. */
export async function capture(
  writer: PointWriter,
  text: string | Uint8Array,
  name = 'database',
): Promise<PointContent['components'][number]> {
  const record = await writer.write(
    { component: name, role: 'dump', kind: 'pg-dump' },
    pack(bytesOf(Buffer.from(text))),
  )
  await writer.readBack(record)
  const [started, finished] = ['2026-11-22T02:00:00.000Z', '2026-11-22T02:01:00.000Z']
  return {
    name,
    kind: 'postgres',
    started,
    finished,
    notCaptured: [],
    details: { database: 'authentik' },
    artifacts: [record],
  }
}

export async function makePoint(
  fixture: Fixture,
  text: string | Uint8Array = 'content',
): Promise<{ point: string; commitSha256: string }> {
  const writer = await begin(fixture)
  const components = [await capture(writer, text)]
  const { commitSha256 } = await writer.commit({ components, missing: [], created: fixture.clock.now() })
  return { point: writer.point, commitSha256 }
}

export async function readBlobOf(storage: Storage, name: string): Promise<Buffer> {
  const { signal } = new AbortController()
  return collect(await storage.get(name, signal), 2 ** 30, name)
}

/** What somebody with the credentials of the storage can do. */
export async function replaceBlob(storage: Storage, name: string, bytes: Uint8Array): Promise<void> {
  const { signal } = new AbortController()
  await storage.remove(name, signal)
  await storage.put(name, bytes, signal)
}

export async function allNames(storage: Storage, prefix = ''): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.list(prefix, new AbortController().signal)) names.push(name)
  return names
}
