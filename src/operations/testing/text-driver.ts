import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { ServerMoment } from '../../core/safety/server-moment.ts'
import type { Difference, Finding } from '../../core/restore-point.ts'
import { nothingThere } from '../../components/nothing-there.ts'
import type { RestoreDestination } from '../../components/capabilities/destination.ts'
import type { Driver } from '../../components/driver.ts'
import type { RestoreTarget, TargetRequest, TargetState } from '../../components/target.ts'
import type { ArtifactSource } from '../../components/transfer.ts'

/** A component that is one text in memory, with everything that a real one has beside it. */
export class TextPlace {
  live: string | undefined
  open = true
  side: { readonly id: string; readonly text: string; readonly whole: boolean } | undefined
  previous: { readonly id: string; readonly text: string | undefined } | undefined
  undone: { readonly id: string; readonly text: string | undefined } | undefined
  /** What happened, in order, as `<component> <act>`. */
  readonly log: string[]
  readonly name: string
  /** Makes a capture or an act of a target fail, once it would have been done. */
  readonly faults = new Map<string, Error>()
  /** What its capture comes upon. */
  readonly foundAtCapture: Finding[] = []
  /** What its capture could not read. */
  readonly unreadable: string[] = []
  /** Called when its capture begins. */
  onCapture: (() => void) | undefined
  /** Where its server is. */
  server: ServerMoment | undefined
  /** Loads without having been authenticated before: with its text read to the end, or with none of it read. */
  late: 'reads' | 'does not read' | undefined

  constructor(name: string, live: string | undefined, log: string[] = []) {
    this.name = name
    this.live = live
    this.log = log
  }

  async change(act: string, context: Context, apply: () => void): Promise<void> {
    await context.effects.run(`${this.name}: ${act}`, async () => {
      apply()
      this.log.push(`${this.name} ${act}`)
    })
    this.failIfAsked(act)
  }

  async *content(): AsyncGenerator<Uint8Array> {
    this.onCapture?.()
    if (this.live === undefined) throw nothingThere(`text ${this.name} does not exist`)
    for (const part of this.live.match(/.{1,7}/gs) ?? []) yield Buffer.from(part)
    this.failIfAsked('capture')
  }

  failIfAsked(act: string): void {
    const fault = this.faults.get(act)
    if (fault !== undefined) throw fault
  }
}

const textSettings = z.object({ kind: z.literal('text'), place: z.instanceof(TextPlace) })
type TextSettings = z.infer<typeof textSettings>
const textDetails = z.object({ text: z.string() })
type TextDetails = z.infer<typeof textDetails>

/** Where a restore may go by name. */
export const textPlaces = new Map<string, TextPlace>()

const textDestination: RestoreDestination<TextSettings> = {
  settings: z
    .strictObject({ place: z.string().transform((name) => textPlaces.get(name) ?? new TextPlace(name, undefined)) })
    .partial(),
  relation: ({ place: one }, { place: other }) => {
    if (one === other) return Promise.resolve('same')
    const isIn = one.name.startsWith(`${other.name}/`) || other.name.startsWith(`${one.name}/`)
    return Promise.resolve(isIn ? 'overlapping' : 'apart')
  },
}

/** Satisfies the contract of drivers with nothing but memory. */
export const textDriver: Driver<TextSettings, TextDetails> = {
  kind: 'text',
  settings: textSettings,
  details: textDetails,
  check: () => Promise.resolve([]),
  async capture({ place }, sink) {
    await sink.write('text', 'json-lines', place.content())
    return {
      details: { text: place.live ?? '' },
      notCaptured: [],
      incomplete: place.unreadable,
      findings: place.foundAtCapture,
      server: place.server,
    }
  },
  async examine(details, source) {
    if ((await textOf(source)) !== details.text)
      throw new Failure('corrupt', 'the text is not the one that was captured')
  },
  serverMoment: ({ place }) => Promise.resolve(place.server),
  async listRetained({ place }) {
    place.failIfAsked('list')
    const kept = [place.previous, place.undone].filter((one) => one !== undefined)
    const times = { since: new Date(0), until: new Date(1) }
    return kept.map(({ id }) => ({ restoreId: id, description: `text ${place.name}`, ...times }))
  },
  retainedBytes: ({ place }, { restoreId }) =>
    Promise.resolve([place.previous, place.undone].find((one) => one?.id === restoreId)?.text?.length),
  isWatchable: true,
  destination: textDestination,
  open: ({ place }, request) => Promise.resolve(new TextTarget(place, request)),
}

async function textOf(source: ArtifactSource): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source.read('text')) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

class TextTarget implements RestoreTarget<TextDetails> {
  readonly description: string
  readonly confirmation: string
  readonly #place: TextPlace
  readonly #id: string
  readonly #mode: TargetRequest['mode']

  constructor(place: TextPlace, { restoreId, mode }: TargetRequest) {
    this.#place = place
    this.#mode = mode
    this.#id = restoreId
    this.description = `text ${place.name}`
    this.confirmation = place.name
  }

  state(): Promise<TargetState> {
    const { previous, open, side } = this.#place
    const isOver = this.#mode === 'in-place' && side?.id === this.#id && side.whole
    if (previous?.id === this.#id || isOver) return Promise.resolve('swapped')
    if (!open) return Promise.resolve('fenced')
    return Promise.resolve(side === undefined ? 'untouched' : 'staged')
  }

  preflight(): Promise<readonly []> {
    return Promise.resolve([])
  }

  authenticatedByLoad(): readonly string[] {
    return this.#place.late === undefined ? [] : ['text']
  }

  async load(details: TextDetails, source: ArtifactSource, context: Context): Promise<void> {
    context.signal.throwIfAborted()
    const place = this.#place
    if (place.previous?.id === this.#id)
      throw new Failure('refused', `the restore of text ${place.name} is live already`)
    const text = place.late === 'does not read' ? details.text : await textOf(source)
    await place.change(
      'load half',
      context,
      () => (place.side = { id: this.#id, text: text.slice(0, 3), whole: false }),
    )
    await place.change('load', context, () => (place.side = { id: this.#id, text, whole: true }))
  }

  /** Told by what is closed and by what is loaded: nobody can say once it is open again. */
  isAsBefore(): Promise<boolean> {
    return Promise.resolve(!this.#place.open && this.#place.side === undefined)
  }

  async compare({ text }: TextDetails, { signal }: Context): Promise<readonly Difference[]> {
    signal.throwIfAborted()
    const found = await Promise.resolve(this.#place.side?.text ?? 'nothing')
    return found === text ? [] : [{ subject: 'text', expected: text, found }]
  }

  runChecks(): Promise<readonly Difference[]> {
    return Promise.resolve([])
  }

  async fence(context: Context): Promise<void> {
    await this.#place.change('fence', context, () => (this.#place.open = false))
  }

  async swap(_details: TextDetails, context: Context): Promise<void> {
    context.signal.throwIfAborted()
    const place = this.#place
    if (place.previous?.id === this.#id) return
    const { side } = place
    if (side?.whole !== true) throw new Failure('refused', `text ${place.name} is not loaded`)
    if (place.open) throw new Failure('refused', `text ${place.name} is not fenced`)
    await place.change('swap', context, () => {
      place.previous = { id: this.#id, text: place.live }
      place.live = side.text
      place.side = undefined
    })
  }

  async reopen(context: Context): Promise<void> {
    await this.#place.change('reopen', context, () => (this.#place.open = true))
  }

  async discard(context: Context): Promise<void> {
    await this.#place.change('discard', context, () => (this.#place.side = undefined))
  }

  async undo(context: Context): Promise<void> {
    const place = this.#place
    const { previous } = place
    if (previous?.id !== this.#id) {
      if (place.undone?.id === this.#id) return
      throw new Failure('refused', `nothing is kept of text ${place.name}`)
    }
    await place.change('undo', context, () => {
      place.undone = { id: this.#id, text: place.live }
      place.live = previous.text
      place.previous = undefined
    })
  }

  async forget(context: Context): Promise<void> {
    const place = this.#place
    await place.change('forget', context, () => {
      if (place.previous?.id === this.#id) place.previous = undefined
      if (place.undone?.id === this.#id) place.undone = undefined
    })
  }
}
