import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Difference, Finding } from '../../core/restore-point.ts'
import type { ArtifactSource, Target, TargetState } from '../driver.ts'
import { applyAll, compareAll } from './apply.ts'
import type { Diverged } from './apply.ts'
import { SECRETS } from './capture.ts'
import { withClient } from './connect.ts'
import { nameOf } from './entry.ts'
import type { Entry } from './entry.ts'
import { extrasOf, followedBy } from './extras.ts'
import { entriesOf } from './lines.ts'
import { preflight } from './preflight.ts'
import type { OpenbaoDetails, OpenbaoSettings } from './schema.ts'
import { configureMount, emptyMounts, targetMounts } from './target-mounts.ts'

/** Brings the live secrets to what was captured, and keeps nothing but what the safety point has. */
export class InPlaceTarget implements Target<OpenbaoDetails> {
  readonly description: string
  readonly confirmation: string
  readonly #settings: OpenbaoSettings
  #loaded: { readonly source: ArtifactSource; readonly diverged: Diverged } | undefined

  constructor(settings: OpenbaoSettings) {
    this.#settings = settings
    this.description = `secrets of ${settings.address}, in place`
    this.confirmation = settings.address
  }

  state(): Promise<TargetState> {
    return Promise.resolve('untouched')
  }

  async preflight(details: OpenbaoDetails, context: Context): Promise<readonly Finding[]> {
    const message = 'an in-place restore writes over what is there and cannot be undone'
    return [
      { level: 'warning', subject: this.description, message },
      ...(await preflight(this.#settings, details, context)),
    ]
  }

  async load(details: OpenbaoDetails, source: ArtifactSource, context: Context): Promise<void> {
    await withClient(this.#settings, 'restore', context, async (client) => {
      const mounts = await targetMounts(details, this.#settings, client, context)
      const empty = await emptyMounts(mounts, client)
      const captured = (): AsyncIterable<Entry> => entriesOf(source.read(SECRETS), details)
      const wanted = this.#settings.pruneExtra
        ? followedBy(captured(), extrasOf(captured(), mounts.values(), client))
        : captured()
      this.#loaded = { source, diverged: await applyAll(wanted, { client, context, mounts, empty }) }
      const made = details.mounts.filter(({ path }) => mounts.get(path)?.config === null)
      if (this.#settings.createMounts) for (const mount of made) await configureMount(mount, client, context)
    })
  }

  async compare(details: OpenbaoDetails, context: Context): Promise<readonly Difference[]> {
    const loaded = this.#loaded
    if (loaded === undefined) throw new Failure('refused', 'nothing was restored in place', { hint: 'Restore again.' })
    const how = (entry: Entry): 'versions' | 'current' => (loaded.diverged.has(nameOf(entry)) ? 'current' : 'versions')
    return withClient(this.#settings, 'restore', context, (client) =>
      compareAll(entriesOf(loaded.source.read(SECRETS), details), how, client),
    )
  }

  runChecks(): Promise<readonly Difference[]> {
    return Promise.resolve([])
  }

  fence(): Promise<void> {
    return Promise.resolve()
  }

  swap(): Promise<void> {
    return Promise.reject(new Failure('refused', `${this.description} is not swapped`))
  }

  reopen(): Promise<void> {
    return Promise.resolve()
  }

  discard(): Promise<void> {
    return Promise.resolve()
  }

  undo(): Promise<void> {
    return Promise.reject(
      new Failure('refused', `the restore of ${this.description} keeps nothing to undo it`, {
        hint: 'Restore the safety point that was made before it.',
      }),
    )
  }

  forget(): Promise<void> {
    return Promise.resolve()
  }
}
