import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { z } from 'zod'
import { describe, Failure, isFailure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { ArtifactSink } from '../../transfer.ts'
import { BROKE_OFF } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import type { OpenbaoSettings } from '../schema.ts'
import type { SealStatus } from '../capture/server-facts.ts'

const RAFT = 'raft'
const SMALL_FILE = 1024 * 1024

export interface SnapshotFacts {
  readonly index: number
  readonly term: number
  readonly bytes: number
}

export interface CapturedSnapshot {
  readonly facts: SnapshotFacts | null
  readonly notCaptured: readonly string[]
}

/** Takes the raft snapshot where the settings and the storage say so; says why where there is none. */
export async function captureSnapshot(
  settings: OpenbaoSettings,
  server: SealStatus,
  sink: ArtifactSink,
  client: Client,
): Promise<CapturedSnapshot> {
  const why = whyNone(settings, server)
  if (why !== undefined) return none(settings, why)
  try {
    return { facts: await take(sink, client), notCaptured: [] }
  } catch (error) {
    if (!isFailure(error, 'denied')) throw error
    return none(settings, 'this token may not read sys/storage/raft/snapshot', error)
  }
}

/** What can be known before anything is read is not said at the end of hours. */
export function requireSnapshotStorage(settings: OpenbaoSettings, server: SealStatus): void {
  const why = whyNone(settings, server)
  if (settings.snapshot !== 'require' || why === undefined) return
  throw new Failure('refused', `openbao: the raft snapshot that is required cannot be taken here: ${why}`, {
    hint: hintWithoutSnapshot(server.storage_type),
  })
}

/** What else brings back what is not in KV. */
export function hintWithoutSnapshot(storage: string | undefined): string {
  if (storage === 'raft')
    return 'Only a snapshot holds auth methods, identities, and the keys of transit and PKI; holdfast rights openbao prints the right it needs.'
  const cold =
    'The secrets are captured. Auth methods, identities, and the keys of transit and PKI come back only with a cold copy of the data volume (a component of kind files, with the server stopped) and the key of the seal (of kind secrets or kubernetes-secrets).'
  return storage === 'file' ? `${cold} OpenBao 2.7 starts on storage file no more: move to raft before.` : cold
}

export function whyNone({ snapshot, namespace }: OpenbaoSettings, { storage_type }: SealStatus): string | undefined {
  if (snapshot === 'off') return 'it is switched off in the configuration'
  if (storage_type !== RAFT) return `the storage is ${storage_type ?? 'unknown'} and not raft`
  return namespace === undefined ? undefined : 'it is of the whole server, and this component is of one namespace'
}

function none(settings: OpenbaoSettings, why: string, cause?: unknown): CapturedSnapshot {
  if (settings.snapshot === 'require')
    throw new Failure('incomplete', `openbao: the raft snapshot that is required cannot be taken: ${why}`, {
      cause,
      hint: 'Allow it, or set snapshot to auto.',
    })
  return { facts: null, notCaptured: [`There is no raft snapshot: ${why}`] }
}

/**
 * Stored as the tar inside the gzip of the server, which is what stock tools read and what compresses better. The tar
 * names the SHA-256 of what is in it; the server sends no length, so only this tells a whole snapshot from a cut one.
 */
async function take(sink: ArtifactSink, client: Client): Promise<SnapshotFacts> {
  // The first chunk decides between an answer and a refusal; it is asked for before an artifact is begun.
  const source = gunzipped(client.stream('sys/storage/raft/snapshot'))[Symbol.asyncIterator]()
  const first = await source.next()
  const check = new SnapshotCheck()
  await sink.write('snapshot', 'tar', check.through(rest(first, source)))
  return check.facts()
}

async function* rest(first: IteratorResult<Uint8Array, unknown>, source: AsyncIterator<Uint8Array>): Bytes {
  for (let next = first; next.done !== true; next = await source.next()) yield next.value
}

async function* gunzipped(bytes: Bytes): Bytes {
  const input = Readable.from(bytes, { objectMode: false })
  const gunzip = createGunzip()
  let cause: unknown
  input.once('error', (error) => {
    cause = error
    gunzip.destroy(error)
  })
  try {
    yield* input.pipe(gunzip) as AsyncIterable<Uint8Array>
  } catch (error) {
    if (cause instanceof Failure) throw cause
    const what = `openbao: the raft snapshot ended early or is none: ${describe(error)}`
    throw new Failure('unreachable', what, { cause: error, hint: BROKE_OFF })
  } finally {
    input.destroy()
  }
}

const meta = z.object({ Index: z.number(), Term: z.number() })

/** Reads a snapshot that goes by and compares it with the sums inside it. */
export class SnapshotCheck {
  #facts: SnapshotFacts | undefined
  #bytes = 0

  /** The same bytes; throws `corrupt` at their end when the snapshot is not whole. */
  async *through(bytes: Bytes): Bytes {
    const archive = extract()
    const checking = this.#check(archive).catch((error: unknown) => {
      throw notWhole(describe(error), error)
    })
    // Awaited below; an early failure must not be an unhandled one meanwhile.
    checking.catch(() => {})
    try {
      for await (const chunk of bytes) {
        this.#bytes += chunk.length
        if (!archive.destroyed && !archive.write(chunk)) await drained(archive)
        yield chunk
      }
      archive.end(undefined)
      await checking
    } finally {
      archive.destroy()
    }
  }

  facts(): SnapshotFacts {
    if (this.#facts === undefined) throw new Failure('bug', 'a snapshot was not read to its end')
    return this.#facts
  }

  async #check(archive: ReturnType<typeof extract>): Promise<void> {
    const sums = new Map<string, string>()
    const small = new Map<string, string>()
    for await (const file of archive) {
      const hash = createHash('sha256')
      let text = ''
      for await (const chunk of file as unknown as AsyncIterable<Buffer>) {
        hash.update(chunk)
        if (file.header.size !== undefined && file.header.size < SMALL_FILE) text += chunk.toString('utf8')
      }
      sums.set(file.header.name, hash.digest('hex'))
      small.set(file.header.name, text)
    }
    requireSums(sums, small.get('SHA256SUMS') ?? '')
    const { Index, Term } = meta.parse(JSON.parse(small.get('meta.json') ?? 'null'))
    this.#facts = { index: Index, term: Term, bytes: this.#bytes }
  }
}

type Archive = ReturnType<typeof extract>

/** Also when it is closed: one of the two events comes. */
async function drained(archive: Archive): Promise<void> {
  const waiting = new AbortController()
  const { signal } = waiting
  await Promise.race([once(archive, 'drain', { signal }), once(archive, 'close', { signal })]).finally(() =>
    waiting.abort(),
  )
}

function requireSums(sums: ReadonlyMap<string, string>, listed: string): void {
  const lines = [...listed.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)]
  const wrong = lines.find(([, sum, name = '']) => sums.get(name) !== sum)
  const has = (name: string): boolean => lines.some(([, , listedName]) => listedName === name)
  if (wrong === undefined && has('meta.json') && has('state.bin')) return
  throw new Error(`${wrong?.[2] ?? 'its list of sums'} does not match`)
}

function notWhole(why: string, cause: unknown): Failure {
  return new Failure('corrupt', `the raft snapshot is not whole: ${why}`, {
    cause,
    hint: 'If a server just sent it, look at its log and back up again; if a restore point has it, take another point.',
  })
}
