import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { secretOfBytes, bytesOfSecret } from '../../../core/texts/secret-bytes.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import type { FoundSwap } from '../../value-swap/value-store.ts'
import { bodyOf, liveObject, resourceOf, type KubernetesObject } from '../object.ts'
import { collected, linesOf, objectsOf } from './records.ts'
import { objectKind, type KubernetesSecretsSettings } from '../schema.ts'
import { OWN_LABEL, PART_BYTES, partName, PARTS, recordName, SLOTS, type BundleName } from '../capture/slots.ts'

const place = z.object({ object: objectKind, name: z.string() })
export type ObjectRef = z.infer<typeof place>
const bundle = z.object({
  parts: z.number().int().positive().max(PARTS),
  sha256: z.string(),
  /** Objects that were not there. */
  absent: z.array(place),
})
type Bundle = z.infer<typeof bundle>
const stageRecord = z.object({
  format: z.literal(1),
  restoreId: z.string(),
  stage: z.enum(['loading', 'loaded', 'swapping', 'swapped', 'undoing', 'undone']),
  since: z.string(),
  /** What the restore brings; after an undo what it had brought. */
  restored: bundle.optional(),
  previous: bundle.optional(),
})
type StageRecord = z.infer<typeof stageRecord>

const LARGEST_BUNDLE = 64 * 1024 * 1024

/** Where one restore keeps what it needs, in Secrets of the same namespace. */
class Stage {
  readonly #name: string
  readonly #settings: KubernetesSecretsSettings
  readonly #client: KubernetesClient
  readonly #context: Context

  constructor(slot: number, settings: KubernetesSecretsSettings, client: KubernetesClient, context: Context) {
    this.#name = recordName(settings, slot)
    this.#settings = settings
    this.#client = client
    this.#context = context
  }

  async record(): Promise<StageRecord | undefined> {
    const content = await this.#read(this.#name)
    if (content === undefined) return undefined
    const parsed = stageRecord.safeParse(jsonOf(content))
    if (parsed.success) return parsed.data
    throw new Failure('corrupt', `Secret ${this.#name}, which holds what a restore keeps, is not as it was written`)
  }

  async save(record: StageRecord): Promise<void> {
    const content = Buffer.from(JSON.stringify(record))
    await this.#effect(`note that the restore is ${record.stage}`, () =>
      this.#write(this.#name, content, record.restoreId),
    )
  }

  async keep(
    name: BundleName,
    restoreId: string,
    objects: readonly KubernetesObject[],
    absent: readonly ObjectRef[],
  ): Promise<Bundle> {
    const content = Buffer.concat(
      objects.flatMap((one) => [...linesOf(this.#settings.namespace, one, 'with its rest')]),
    )
    const packed = await promisify(gzip)(content)
    const parts = Math.max(1, Math.ceil(packed.length / PART_BYTES))
    if (parts > PARTS) throw tooLarge()
    for (let part = 0; part < parts; part += 1) {
      const piece = packed.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)
      await this.#effect(`keep ${name} values`, () => this.#write(partName(this.#name, name, part), piece, restoreId))
    }
    return { parts, sha256: sumOf(packed), absent: [...absent] }
  }

  async read(name: BundleName, { parts, sha256 }: Bundle): Promise<readonly KubernetesObject[]> {
    const pieces: Buffer[] = []
    for (let part = 0; part < parts; part += 1)
      pieces.push((await this.#read(partName(this.#name, name, part))) ?? Buffer.alloc(0))
    const packed = Buffer.concat(pieces)
    if (sumOf(packed) !== sha256)
      throw new Failure('corrupt', `the ${name} values in Secret ${this.#name}-${name} were changed`)
    const content = await promisify(gunzip)(packed, { maxOutputLength: LARGEST_BUNDLE })
    return await collected(objectsOf(once(content)))
  }

  /** Not once its removal was begun. */
  async has(name: BundleName): Promise<boolean> {
    return (await this.#read(partName(this.#name, name, 0))) !== undefined
  }

  async removeBundle(name: BundleName): Promise<void> {
    for (let part = 0; part < PARTS; part += 1) await this.#remove(partName(this.#name, name, part))
  }

  /** The record goes last: as long as it is there, the rest is found. */
  async remove(): Promise<void> {
    await this.removeBundle('restored')
    await this.removeBundle('previous')
    await this.#remove(this.#name)
  }

  get #resource(): ReturnType<typeof resourceOf> {
    return resourceOf('Secret', this.#settings.namespace)
  }

  async #read(name: string): Promise<Buffer | undefined> {
    const body = await this.#client.get(this.#resource, name)
    const value = body === undefined ? undefined : liveObject('Secret', body).values.get('content')
    return value === undefined ? undefined : bytesOfSecret(value)
  }

  async #write(name: string, content: Uint8Array, restoreId: string): Promise<void> {
    const one: KubernetesObject = {
      object: 'Secret',
      name,
      description: {
        type: 'Opaque',
        immutable: false,
        labels: { [OWN_LABEL]: restoreId },
        annotations: {},
        binaryKeys: [],
      },
      values: new Map([['content', secretOfBytes(content)]]),
    }
    if (await this.#client.create(this.#resource, name, bodyOf(one))) return
    const live = await this.#client.get(this.#resource, name)
    if (live === undefined) throw changedUnderUs(name)
    const { version, description } = liveObject('Secret', live)
    // A Secret of the same name that is not ours is nobody's to overwrite.
    if (description.labels[OWN_LABEL] === undefined) throw changedUnderUs(name)
    if (!(await this.#client.replace(this.#resource, name, bodyOf(one, version)))) throw changedUnderUs(name)
  }

  async #remove(name: string): Promise<void> {
    if ((await this.#client.get(this.#resource, name)) === undefined) return
    await this.#effect('remove what was kept', async () => void (await this.#client.remove(this.#resource, name)))
  }

  #effect(what: string, act: () => Promise<void>): Promise<void> {
    return this.#context.effects.run(`kubernetes: ${what}`, act)
  }
}

export interface FoundStage extends FoundSwap {
  readonly stage: Stage
  readonly record: StageRecord
}

/** All that restores of these settings keep. */
export async function keptStages(
  settings: KubernetesSecretsSettings,
  client: KubernetesClient,
  context: Context,
): Promise<readonly FoundStage[]> {
  const found: FoundStage[] = []
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const stage = new Stage(slot, settings, client, context)
    const record = await stage.record()
    if (record !== undefined) found.push({ stage, record })
  }
  return found
}

export async function freeStage(
  settings: KubernetesSecretsSettings,
  client: KubernetesClient,
  context: Context,
): Promise<Stage> {
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const stage = new Stage(slot, settings, client, context)
    if ((await stage.record()) === undefined) return stage
  }
  throw new Failure(
    'refused',
    `${SLOTS} restores are retained for undo in namespace ${settings.namespace}, which is all there is room for`,
    {
      hint: 'Undo one, let holdfast prune remove those whose time is over, or restore with --target in-place.',
    },
  )
}

function sumOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function jsonOf(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}

async function* once(content: Uint8Array): Bytes {
  yield await Promise.resolve(content)
}

function tooLarge(): Failure {
  return new Failure('refused', `the values are more than the ${PARTS} MB that are kept on the server for undo`, {
    hint: 'Restore with --target in-place, or make several components of it.',
  })
}

function changedUnderUs(name: string): Failure {
  return new Failure('locked', `Secret ${name}, which a restore needs, is somebody else's`, {
    hint: 'See what it is with kubectl describe. Another restore may be running.',
  })
}
