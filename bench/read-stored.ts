import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Storage } from '../src/storage/storage.ts'
import type { Place } from './bench.ts'

/**
 * Seconds that reading a point's artifacts and hashing them takes of the cores together: its processor time in this process,
 * shared by them. A backup reads back beside its other work, so no clock on the wall tells that part; and it decrypts what it
 * reads besides, so this is the least that the part can be.
 */
export async function readStoredSeconds({ context }: Place, storage: Storage, point: string): Promise<number> {
  const begun = process.cpuUsage()
  for await (const { name } of storage.list(`data/${point}/`, context.signal)) {
    const hash = createHash('sha256')
    for await (const chunk of await storage.get(name, context.signal)) hash.update(chunk)
    hash.digest()
  }
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1e6 / availableParallelism()
}
