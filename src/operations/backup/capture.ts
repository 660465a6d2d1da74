import type { ArtifactKind } from '../../core/artifact-kind.ts'
import { toFailure, type Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { Secret } from '../../core/secret.ts'
import type { ServerMoment } from '../../core/safety/server-moment.ts'
import { ofComponent } from '../../core/progress.ts'
import type { EvidenceTaker } from '../../components/evidence.ts'
import type { ArtifactSink, Captured } from '../../components/transfer.ts'
import type { ArtifactRecord, ManifestComponent } from '../../repository/documents/documents.ts'
import { fanOut, pack, type Packed } from '../../repository/points/pack.ts'
import type { AppComponent, OperationContext } from '../app.ts'
import type { CaptureWindow } from '../pause/capture-window.ts'
import { requireOne, type Destination } from './destinations.ts'
import { ReadBacks } from './read-backs.ts'
import { summarize, type ComponentOutcome } from './report.ts'

export interface CapturedComponent {
  readonly outcome: ComponentOutcome
  /** What the capture came upon. */
  readonly findings: readonly Finding[]
  /** What it lacks although it was captured, in one sentence. */
  readonly lacks: string | undefined
  /** What of it nothing proves. */
  readonly unproven?: string | undefined
  readonly server: ServerMoment | undefined
  readonly cause: Failure | undefined
}

interface CaptureHow extends Pick<ArtifactSink, 'fingerprintKey' | 'evidence' | 'attempt'> {
  /** In which the writers are stopped, where the component asks for it. */
  readonly window: Pick<CaptureWindow, 'enter' | 'leave'>
}

/**
 * Captures one component once and stores it in every destination. A component that fails leaves nothing: its
 * artifacts are in no manifest.
 */
export async function captureComponent(
  component: AppComponent,
  destinations: readonly Destination[],
  { window, ...keys }: CaptureHow,
  context: OperationContext,
): Promise<CapturedComponent> {
  const started = context.clock.now()
  const begun = context.clock.monotonic()
  const sink = new DestinationSink(component.name, destinations, keys, context)
  context.progress({ type: 'phase', phase: 'capture', component: component.name, detail: `(${component.driver.kind})` })
  const facts = (): Pick<ComponentOutcome, 'name' | 'kind' | 'bytes' | 'durationMilliseconds'> => ({
    name: component.name,
    kind: component.driver.kind,
    bytes: sink.plainBytes,
    durationMilliseconds: Math.round(context.clock.monotonic() - begun),
  })
  try {
    await window.enter(component)
    const captured = withLack(await sink.whole(captureWithin(component, sink, window, context)))
    sink.record(component, captured, started, context.clock.now())
    const { server, unproven } = captured
    const found = { findings: captured.findings ?? [], lacks: lackOf(captured), server, unproven, cause: undefined }
    return { outcome: { ...facts(), outcome: 'captured', ...leftOutOf(captured) }, ...found }
  } catch (error) {
    const cause = toFailure(error)
    if (cause.kind === 'cancelled' || context.signal.aborted) throw error
    const outcome = { ...facts(), outcome: 'failed', notCaptured: [], failure: summarize(cause) } as const
    return { outcome, findings: [], lacks: undefined, server: undefined, cause }
  }
}

/** The writers run again while what was stored is still being read back. */
async function captureWithin(
  component: AppComponent,
  sink: ArtifactSink,
  window: CaptureHow['window'],
  context: OperationContext,
): Promise<Captured<unknown>> {
  const captured = await component.driver.capture(component.settings, sink, ofComponent(context, component.name))
  await window.leave(component)
  return captured
}

/** What could not be read is not captured either. */
function withLack(captured: Captured<unknown>): Captured<unknown> {
  return { ...captured, notCaptured: [...(captured.incomplete ?? []), ...captured.notCaptured] }
}

function leftOutOf({
  notCaptured,
  onPurpose = [],
}: Captured<unknown>): Pick<ManifestComponent, 'notCaptured' | 'onPurpose'> {
  return { notCaptured: [...notCaptured], ...(onPurpose.length === 0 ? {} : { onPurpose: [...onPurpose] }) }
}

function lackOf({ incomplete = [] }: Captured<unknown>): string | undefined {
  const [first, ...more] = incomplete
  return more.length === 0 ? first : `${first}; and ${more.length} more`
}

/** Compresses each artifact once, then encrypts and stores it in every destination, where it is read back beside the next. */
class DestinationSink implements ArtifactSink {
  readonly #component: string
  readonly #destinations: readonly Destination[]
  readonly #context: OperationContext
  readonly #records = new Map<Destination, ArtifactRecord[]>()
  readonly #readBacks: ReadBacks
  readonly fingerprintKey?: Secret
  readonly evidence?: EvidenceTaker
  readonly attempt?: number
  plainBytes = 0

  constructor(
    component: string,
    destinations: readonly Destination[],
    { fingerprintKey, evidence, attempt }: Pick<ArtifactSink, 'fingerprintKey' | 'evidence' | 'attempt'>,
    context: OperationContext,
  ) {
    if (fingerprintKey !== undefined) this.fingerprintKey = fingerprintKey
    if (evidence !== undefined) this.evidence = evidence
    if (attempt !== undefined) this.attempt = attempt
    this.#component = component
    this.#destinations = destinations
    this.#context = context
    this.#readBacks = new ReadBacks(context)
  }

  /** What was captured, or how it failed, once nothing that was stored of it is still being read back. */
  async whole<Result>(capture: Promise<Result>): Promise<Result> {
    try {
      return await capture
    } finally {
      await this.#readBacks.settled()
    }
  }

  async write(role: string, kind: ArtifactKind, content: Bytes): Promise<void> {
    const producer = new Producer(content, (length) => this.#count(role, length))
    const alive = this.#destinations.filter(({ writer }) => writer !== undefined)
    // The last one may have failed while it was read back: nobody would read what is produced, nor end its producer.
    if (alive.length === 0) for await (const _ of content) break
    const copies = fanOut(pack(producer), alive.length)
    // fanOut gives exactly as many copies as asked for.
    const failures = await Promise.all(
      alive.map((destination, index) => this.#store(destination, role, kind, copies[index] as Packed)),
    )
    // The producer has its say first: when it failed, every write failed with it, and no destination is to blame.
    producer.assertFinished()
    for (const { destination, error } of failures.flat()) destination.fail(error)
    requireOne(this.#destinations)
  }

  async #store(
    destination: Destination,
    role: string,
    kind: ArtifactKind,
    packed: Packed,
  ): Promise<readonly { destination: Destination; error: unknown }[]> {
    const { writer } = destination
    if (writer === undefined) return []
    try {
      const record = await writer.write({ component: this.#component, role, kind }, packed)
      this.#readBacks.add({ destination, writer, record }, () => this.#recordsOf(destination).push(record))
      return []
    } catch (error) {
      return [{ destination, error }]
    }
  }

  record(component: AppComponent, captured: Captured<unknown>, started: Date, finished: Date): void {
    for (const destination of this.#destinations) {
      destination.components.push({
        name: component.name,
        kind: component.driver.kind,
        started: started.toISOString(),
        finished: finished.toISOString(),
        ...leftOutOf(captured),
        details: captured.details,
        artifacts: this.#recordsOf(destination).toSorted((a, b) => a.number - b.number),
      })
    }
  }

  #recordsOf(destination: Destination): ArtifactRecord[] {
    const records = this.#records.get(destination) ?? []
    this.#records.set(destination, records)
    return records
  }

  #count(role: string, length: number): void {
    this.plainBytes += length
    this.#context.progress({ type: 'bytes', component: this.#component, subject: role, done: this.plainBytes })
  }
}

/** Remembers how the stream of an artifact ended, so that its failure is told from that of a destination. */
class Producer implements Bytes {
  readonly #content: Bytes
  readonly #count: (length: number) => void
  #ending: { readonly error: unknown } | 'finished' | 'unfinished' = 'unfinished'

  constructor(content: Bytes, count: (length: number) => void) {
    this.#content = content
    this.#count = count
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#content) {
        this.#count(chunk.length)
        yield chunk
      }
      this.#ending = 'finished'
    } catch (error) {
      this.#ending = { error }
      throw error
    }
  }

  /** Throws the producer's own error. Says nothing when it was cut off because every destination had failed. */
  assertFinished(): void {
    if (typeof this.#ending === 'object') throw this.#ending.error
  }
}
