import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Difference, Finding } from '../../core/restore-point.ts'
import type { FileOwner } from '../../system/files/durable-file.ts'
import type { LiveTargetRequest, ScratchTargetRequest, RestoreTarget, TargetState } from '../target.ts'
import type { ArtifactSource } from '../transfer.ts'
import { withoutSwap } from '../without-swap.ts'
import { touchedNames } from './folder.ts'
import { capturedValues, compareAt, compareEnvironment, contentFor, requireEnvironment } from './load.ts'
import {
  destinationsOf,
  exists,
  retainedFiles,
  namesOf,
  placesOf,
  type Destination,
  type SecretPlaces,
} from './places.ts'
import { preflightSecrets } from './preflight.ts'
import { readHostFile } from './read-secret.ts'
import type { SecretsDetails, SecretsSettings } from './schema.ts'
import { alsoNamed, mark, move, privateFolder, removeAll, writeDurably } from './write-secret.ts'

function countOf({ secrets, folder }: SecretsSettings): string {
  const count = Object.keys(secrets).length
  const files = folder === undefined ? [] : [`the secrets of ${folder}`]
  return [...(count === 0 ? [] : [`${count} secrets`]), ...files].join(' and ')
}

/** Restores every secret as a file of a throw-away folder. */
export function scratchTarget(settings: SecretsSettings, request: ScratchTargetRequest): RestoreTarget<SecretsDetails> {
  const folder = join(request.scratchFolder, `secrets-${request.restoreId}`)
  const inFolder = { ...settings, restoreFolder: folder }
  // Nothing is live in the folder: each file has its own name at once.
  const target = hostTarget(inFolder, { mode: 'in-place', restoreId: request.restoreId })
  return {
    ...target,
    ...withoutSwap(`a scratch copy of ${countOf(settings)}`, 'secrets'),
    copy: { leave: () => Promise.resolve({ folder }) },
    state: async () => ((await exists(folder)) ? 'staged' : 'untouched'),
    discard: (context) =>
      context.effects.run('secrets: remove the scratch folder', () => rm(folder, { recursive: true, force: true })),
  }
}

/**
 * Writes each file beside the live one and then renames it over: a reader sees the old value or the new. Several files
 * are not one; a process that dies between two of them is found as `fenced`, and `swap` goes forward or `reopen` back.
 * Values that are equal are left alone. In place means that the load goes on to the renames at once.
 */
export function hostTarget(settings: SecretsSettings, request: LiveTargetRequest): RestoreTarget<SecretsDetails> {
  const work = new SecretsWork(settings, request)
  return {
    description: work.description,
    confirmation: 'secrets',
    state: () => work.state(),
    preflight: (details) => work.preflight(details),
    load: (details, source, context) => work.load(details, source, context),
    compare: (details, context) => work.compare(details, context),
    runChecks: () => Promise.resolve([]),
    // A file has no lock that readers respect: the app is stopped before, by whoever started it.
    fence: () => Promise.resolve(),
    swap: (details, context) => work.swap(namesOf(details.secrets), context),
    reopen: (context) => work.bringBack(context),
    discard: (context) => work.discard(context),
    undo: (context) => work.undo(context),
    forget: (context) => work.forget(context),
  }
}

class SecretsWork {
  readonly description: string
  readonly #settings: SecretsSettings
  readonly #request: LiveTargetRequest

  constructor(settings: SecretsSettings, request: LiveTargetRequest) {
    this.#settings = settings
    this.#request = request
    const { restoreFolder } = settings
    const where = restoreFolder === undefined ? 'where they are on this host' : `as files of ${restoreFolder}`
    this.description = `${countOf(settings)} ${where}`
  }

  /** Also finds what was made for secrets that only the restore point has: those have a restoreFolder. */
  async #all(): Promise<readonly SecretPlaces[]> {
    const names = await touchedNames(this.#settings)
    return destinationsOf(this.#settings, names).map(({ file }) => this.#places(file))
  }

  #places(file: string): SecretPlaces {
    return placesOf(file, this.#request.restoreId)
  }

  async state(): Promise<TargetState> {
    const states = await Promise.all((await this.#all()).map(stateOf))
    if (states.every((state) => state === 'untouched')) return 'untouched'
    if (states.some((state) => state === 'fenced')) return 'fenced'
    if (!states.includes('swapped')) return 'staged'
    return states.includes('staged') ? 'fenced' : 'swapped'
  }

  preflight(details: SecretsDetails): Promise<readonly Finding[]> {
    return preflightSecrets(this.#settings, details)
  }

  async load(details: SecretsDetails, source: ArtifactSource, context: Context): Promise<void> {
    if ((await this.state()) === 'swapped') {
      if (this.#request.mode === 'in-place') return
      throw new Failure('refused', `restore ${this.#request.restoreId} of the secrets is live already`)
    }
    const values = await capturedValues(details, source)
    await requireEnvironment(this.#settings, details)
    const folder = this.#settings.restoreFolder ?? this.#settings.folder
    if (folder !== undefined) await this.#makeFolder(folder, context)
    for (const destination of destinationsOf(this.#settings, [...values.keys()])) {
      context.signal.throwIfAborted()
      const content = await contentFor(destination, values)
      await this.#stage(destination, content, await this.#ownerOf(destination, details), context)
    }
    if (this.#request.mode === 'in-place') await this.swap([...values.keys()], context)
  }

  #makeFolder(folder: string, context: Context): Promise<void> {
    return context.effects.run('secrets: make the folder', () => privateFolder(folder))
  }

  /** A live file keeps who may read it; one that is gone gets what was captured, and in a folder of ours only we may. */
  async #ownerOf({ file, secrets }: Destination, details: SecretsDetails): Promise<FileOwner> {
    const live = await readHostFile(file)
    if (live !== undefined) return live
    const captured = details.secrets.find(({ name }) => name === secrets[0]?.name)
    if (this.#settings.restoreFolder === undefined && captured !== undefined) return captured
    return { mode: 0o600 }
  }

  async #stage({ file }: Destination, content: Buffer | undefined, owner: FileOwner, context: Context): Promise<void> {
    const { loaded, equal } = this.#places(file)
    await context.effects.run('secrets: write beside', async () => {
      await removeAll([loaded, equal])
      if (content === undefined) await mark(equal)
      else await writeDurably(loaded, content, owner)
    })
  }

  async compare(details: SecretsDetails, { signal }: Context): Promise<readonly Difference[]> {
    const differences: Difference[] = [...(await compareEnvironment(this.#settings, details))]
    for (const destination of destinationsOf(this.#settings, namesOf(details.secrets))) {
      signal.throwIfAborted()
      const { loaded, live } = this.#places(destination.file)
      differences.push(...(await compareAt(destination, (await exists(loaded)) ? loaded : live, details)))
    }
    return differences
  }

  async swap(names: readonly string[], context: Context): Promise<void> {
    // Not between two files: they would be half restored.
    context.signal.throwIfAborted()
    for (const { file } of destinationsOf(this.#settings, names)) await swapOne(this.#places(file), context)
  }

  /** Takes a swap back that stopped between two files. */
  async bringBack(context: Context): Promise<void> {
    if ((await this.state()) !== 'fenced') return
    for (const places of await this.#all()) await takeBack(places, context)
  }

  async discard(context: Context): Promise<void> {
    await this.bringBack(context)
    const places = await this.#all()
    await context.effects.run('secrets: remove what is beside', () =>
      removeAll(places.flatMap(({ loaded, equal }) => [loaded, equal])),
    )
  }

  async undo(context: Context): Promise<void> {
    const all = await this.#all()
    // What is in the environment only was never changed.
    if (all.length === 0) return
    const kept = await Promise.all(all.map(isKept))
    if (!kept.includes(true)) return await this.#assertUndone()
    for (const places of all) await takeBack(places, context)
  }

  async #assertUndone(): Promise<void> {
    const all = await this.#all()
    for (const { undone } of all) if (await exists(undone)) return
    throw new Failure('refused', `nothing is retained to undo restore ${this.#request.restoreId} of the secrets`, {
      hint: 'What a restore replaced is removed after its time. Restore an older restore point instead.',
    })
  }

  async forget(context: Context): Promise<void> {
    const all = await this.#all()
    if ((await this.state()) === 'fenced')
      throw new Failure('refused', 'the secrets are half restored, and what would be forgotten is the only copy', {
        hint: 'Finish the restore or take it back first.',
      })
    const kept = await retainedFiles(all.map(({ live }) => live))
    const paths = kept.get(this.#request.restoreId) ?? []
    await context.effects.run('secrets: remove what was kept', () => removeAll(paths))
  }
}

async function isKept({ previous, nothing, same }: SecretPlaces): Promise<boolean> {
  return (await exists(previous)) || (await exists(nothing)) || (await exists(same))
}

/** `fenced`: the previous value has its second name, and the restored one is not live yet. */
async function stateOf(places: SecretPlaces): Promise<TargetState> {
  const staged = (await exists(places.loaded)) || (await exists(places.equal))
  if (await isKept(places)) return staged ? 'fenced' : 'swapped'
  return staged ? 'staged' : 'untouched'
}

async function swapOne(places: SecretPlaces, context: Context): Promise<void> {
  const { live, loaded, equal, previous, nothing, same } = places
  if (await exists(equal))
    return await context.effects.run('secrets: note that a value is the same', () => move(equal, same))
  if (!(await exists(loaded))) {
    if (await isKept(places)) return
    throw new Failure('refused', `nothing was restored beside ${live}`, { hint: 'Restore again.' })
  }
  if (!(await isKept(places))) {
    if (await exists(live))
      // The live file keeps its name as well: at no moment is there none.
      await context.effects.run('secrets: keep the previous value', () => alsoNamed(live, previous))
    else await context.effects.run('secrets: note that nothing was live', () => mark(nothing))
  }
  await context.effects.run('secrets: rename the restored value to live', () => move(loaded, live))
}

/** Makes what was before the swap live again. What the swap had brought is set aside, until `forget`. */
async function takeBack(places: SecretPlaces, context: Context): Promise<void> {
  const { live, loaded, previous, nothing, same, undone } = places
  const swapped = !(await exists(loaded))
  if (await exists(previous)) {
    // Before the swap both are names of one file, and a rename of one to the other would do nothing.
    if (!swapped) return await context.effects.run('secrets: forget the second name', () => removeAll([previous]))
    if (!(await exists(undone)))
      await context.effects.run('secrets: keep the restored value aside', () => alsoNamed(live, undone))
    await context.effects.run('secrets: rename the previous value to live', () => move(previous, live))
  } else if (await exists(nothing)) {
    if (swapped && (await exists(live)))
      await context.effects.run('secrets: move the restored value aside', () => move(live, undone))
    await context.effects.run('secrets: forget that nothing was live', () => removeAll([nothing]))
  } else if (await exists(same)) {
    await context.effects.run('secrets: forget that a value is the same', () => move(same, undone))
  }
}
