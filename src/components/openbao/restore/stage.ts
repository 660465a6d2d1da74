import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { Failure, isFailure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { retry } from '../../../system/retry.ts'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { encodePath, OWN_FOLDER } from '../kv/kv-paths.ts'
import type { KvMount } from '../kv/mounts.ts'

/** A parcel must fit into one entry of the storage (1 MiB) even if nothing of it can be compressed. */
const PARCEL = 512 * 1024
const ATTEMPTS = 5

const bundle = z.object({
  parcels: z.number().int().nonnegative(),
  sha256: z.string(),
  secrets: z.number().int().nonnegative(),
})
/** A list of secrets kept on the server in parcels. */
export type Bundle = z.infer<typeof bundle>

const stageRecord = z.object({
  format: z.literal(1),
  stage: z.enum(['loading', 'loaded', 'saving', 'swapping', 'swapped', 'undoing', 'undone']),
  since: z.string(),
  loaded: bundle.optional(),
  previous: bundle.optional(),
  brought: bundle.optional(),
})
/** How far a restore got: the only truth about it, beside the secrets themselves. */
export type StageRecord = z.infer<typeof stageRecord>
export type BundleName = 'loaded' | 'previous' | 'brought'

/**
 * What one restore keeps on the server, in a folder of its own at the root of a KV mount: what was loaded, and what was
 * there before. Secrets so never leave the server's own encryption, whoever dies in the middle.
 */
export class Stage {
  readonly mount: KvMount
  readonly #client: Client
  readonly #context: Context
  readonly #folder: string

  constructor(mount: KvMount, restoreId: string, client: Client, context: Context) {
    this.mount = mount
    this.#client = client
    this.#context = context
    this.#folder = `${OWN_FOLDER}/${restoreId}`
  }

  async record(): Promise<StageRecord | undefined> {
    const value = await this.#get(`${this.#folder}/state`)
    if (value === undefined) return undefined
    const parsed = stageRecord.safeParse(JSON.parse(value.part))
    if (parsed.success) return parsed.data
    throw new Failure(
      'unsupported',
      `openbao: the record of the restore in ${this.mount.path}/${this.#folder} is of another version of Holdfast`,
      {
        hint: 'Finish or undo that restore with the version that began it.',
      },
    )
  }

  async save(record: StageRecord): Promise<void> {
    await this.#put(`stage ${record.stage}`, `${this.#folder}/state`, JSON.stringify(record))
  }

  /** Keeps a list of secrets, in place of one of this name. */
  async keep(name: BundleName, lines: Bytes): Promise<Bundle> {
    await this.#removeAll(name)
    const hash = createHash('sha256')
    let [parcels, secrets] = [0, 0]
    for await (const piece of piecesOf(lines)) {
      hash.update(piece)
      secrets += newlinesIn(piece)
      parcels += 1
      const packed = gzipSync(piece, { level: 1 }).toString('base64')
      await this.#put(`${name} parcel ${parcels}`, this.#parcelPath(name, parcels), packed)
    }
    return { parcels, secrets, sha256: hash.digest('hex') }
  }

  /** What was kept. Its reader compares it with the sum of the bundle. */
  async *read(name: BundleName, { parcels }: Bundle): Bytes {
    for (let number = 1; number <= parcels; number += 1) {
      const value = await this.#get(this.#parcelPath(name, number))
      if (value === undefined)
        throw new Failure(
          'corrupt',
          `openbao: parcel ${number} of ${name} of the restore is missing in ${this.mount.path}/${this.#folder}`,
        )
      yield gunzipSync(Buffer.from(value.part, 'base64'), { maxOutputLength: PARCEL })
    }
  }

  /** Everything; the record last, so that a removal that died is gone on with. */
  async remove(): Promise<void> {
    for (const name of ['loaded', 'previous', 'brought'] as const) await this.#removeAll(name)
    await this.#delete(`${this.#folder}/state`)
  }

  async removeBundle(name: BundleName): Promise<void> {
    await this.#removeAll(name)
  }

  #parcelPath(name: BundleName, number: number): string {
    return `${this.#folder}/${name}/${String(number).padStart(6, '0')}`
  }

  async #removeAll(name: BundleName): Promise<void> {
    for (const parcel of await namesIn(this.mount, `${this.#folder}/${name}/`, this.#client))
      await this.#delete(`${this.#folder}/${name}/${parcel}`)
  }

  async #get(path: string): Promise<{ readonly part: string; readonly version: number } | undefined> {
    const answer = await this.#client.call({ path: this.#url('data', path), accept: [404] })
    if (answer.status === 404) return undefined
    if (this.mount.version === 1) return { ...parseAnswer(answer, plainPart, path).data, version: 0 }
    const { data, metadata } = parseAnswer(answer, part, path).data
    return { part: data.part, version: metadata.version }
  }

  async #put(what: string, path: string, text: string): Promise<void> {
    const mayRetry = (error: unknown): boolean => isFailure(error, 'refused')
    await this.#context.effects.run(`openbao: keep ${what}`, () =>
      retry(() => this.#putOnce(path, text), { ...this.#context, attempts: ATTEMPTS, mayRetry }),
    )
  }

  async #putOnce(path: string, text: string): Promise<void> {
    if (this.mount.version === 1) {
      await this.#client.call({ method: 'POST', path: this.#url('data', path), body: { part: text } })
      return
    }
    const cas = (await this.#get(path))?.version ?? 0
    await this.#client.call({
      method: 'POST',
      path: this.#url('data', path),
      body: { options: { cas }, data: { part: text } },
    })
  }

  async #delete(path: string): Promise<void> {
    await this.#context.effects.run('openbao: remove what a restore kept', async () => {
      await this.#client.call({ method: 'DELETE', path: this.#url('metadata', path), accept: [404] })
    })
  }

  #url(what: 'data' | 'metadata', path: string): string {
    return `${encodePath(this.mount.path)}/${this.mount.version === 2 ? `${what}/` : ''}${encodePath(path)}`
  }
}

const plainPart = z.object({ data: z.object({ part: z.string() }) })
const part = z.object({
  data: z.object({ data: z.object({ part: z.string() }), metadata: z.object({ version: z.number() }) }),
})
const keys = z.object({ data: z.object({ keys: z.array(z.string()).default([]) }) })

/** The names in a folder of ours; none where there is no folder, or no right to look. */
async function namesIn(mount: KvMount, folder: string, client: Client): Promise<readonly string[]> {
  const base = mount.version === 2 ? `${mount.path}/metadata` : mount.path
  const answer = await client.call({ path: `${encodePath(base)}/${encodePath(folder)}?list=true`, accept: [403, 404] })
  return answer.status === 200 ? parseAnswer(answer, keys, `list of ${folder}`).data.keys : []
}

/** The ids of the restores that keep something in this mount. */
export async function restoresIn(mount: KvMount, client: Client): Promise<readonly string[]> {
  const names = await namesIn(mount, `${OWN_FOLDER}/`, client)
  return names.map((name) => name.replace(/\/$/, '')).filter((name) => /^[0-9a-f]{8}$/.test(name))
}

/** A mount whose secrets expire is no place for what must be there tomorrow. */
export function canStage({ version, config }: KvMount): boolean {
  return version === 1 || config === null || isNever(config.delete_version_after)
}

/** 0 leaves it to each secret, and a negative time forbids it to them. */
function isNever(duration: string): boolean {
  return duration === '0s' || duration.startsWith('-')
}

async function* piecesOf(bytes: Bytes): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.subarray(at, at + PARCEL - length)
      held.push(taken)
      length += taken.length
      at += taken.length
      if (length < PARCEL) continue
      yield Buffer.concat(held)
      held = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(held)
}

function newlinesIn(piece: Buffer): number {
  let count = 0
  for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) count += 1
  return count
}
