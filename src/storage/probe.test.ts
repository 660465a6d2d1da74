import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../core/failure.ts'
import type { Bytes } from '../core/ports.ts'
import { systemClock } from '../system/clock.ts'
import { memoryStorage } from './testing/memory.ts'
import { probeStorage, provesCreateOnly } from './probe.ts'
import type { BlobInfo, ByteRange, Storage } from './storage.ts'
import { namesOf, never } from './testing/bodies.ts'
import { PassThrough } from './wrap/pass-through.ts'

/** What the probe finds wrong with a storage. */
async function wrongWith(storage: Storage): Promise<string[]> {
  const { findings } = await probeStorage(storage, systemClock, never)
  return findings.filter(({ level }) => level !== 'ok').map(({ level, subject }) => `${level}: ${subject}`)
}

class Overwriting extends PassThrough {
  override async put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    await this.inner.remove(name, signal)
    return super.put(name, body, signal)
  }
}

class IgnoringRanges extends PassThrough {
  override get(name: string, signal: AbortSignal): Promise<Bytes> {
    return super.get(name, signal)
  }
}

class Forbidding extends PassThrough {
  override async stat(): Promise<BlobInfo> {
    throw new Failure('denied', 'forbidden')
  }
}

class LosingFromLists extends PassThrough {
  override async *list(prefix: string, signal: AbortSignal): AsyncIterable<BlobInfo> {
    for await (const blob of super.list(prefix, signal)) if (!blob.name.endsWith('a-1')) yield blob
  }
}

class Skewed extends PassThrough {
  override async now(): Promise<Date> {
    return new Date(Date.now() + 3_600_000)
  }
}

class NeverRemoving extends PassThrough {
  override async remove(): Promise<void> {
    throw new Failure('denied', 'forbidden')
  }
}

class LettingBothWin extends PassThrough {
  readonly #seen = new Set<string>()

  override async put(name: string, body: Uint8Array | Bytes, signal: AbortSignal): Promise<BlobInfo> {
    const isSecond = this.#seen.has(name) && name.endsWith('/race')
    this.#seen.add(name)
    return isSecond ? { name, size: 16, modified: new Date() } : super.put(name, body, signal)
  }

  override get(name: string, signal: AbortSignal, range?: ByteRange): Promise<Bytes> {
    return super.get(name, signal, range)
  }
}

test('nothing is wrong with storage that keeps its promises, and nothing stays', async () => {
  const storage = memoryStorage()
  assert.deepEqual(await wrongWith(storage), [])
  assert.deepEqual(await namesOf(storage), [])
})

test('each broken promise is found', async () => {
  const makers: readonly [new (inner: Storage) => Storage, string][] = [
    [Overwriting, 'warning: two writers of one name'],
    [LettingBothWin, 'warning: two writers of one name'],
    [IgnoringRanges, 'error: reading a range'],
    [Forbidding, 'error: a missing blob'],
    [LosingFromLists, 'error: listing a prefix'],
    [Skewed, 'warning: the clocks'],
    [NeverRemoving, 'warning: removing'],
  ]
  for (const [Broken, finding] of makers) assert.deepEqual(await wrongWith(new Broken(memoryStorage())), [finding])
})

test('keys that may not remove can still prove that writers are kept apart', async () => {
  assert.equal(await provesCreateOnly(new NeverRemoving(memoryStorage()), never), true)
  assert.equal(await provesCreateOnly(new Overwriting(memoryStorage()), never), false)
})

test('storage that cannot be written is no storage', async () => {
  class Full extends PassThrough {
    override async put(): Promise<BlobInfo> {
      throw new Failure('unreachable', 'down')
    }
  }
  await assert.rejects(probeStorage(new Full(memoryStorage()), systemClock, never), { kind: 'unreachable' })
})
