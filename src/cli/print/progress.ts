import type { Progress } from '../../core/ports.ts'
import { ProgressTracker, type Advance } from '../../core/progress.ts'
import { formatBytes } from './format.ts'
import type { Streams } from './output.ts'
import { wrapSentences } from './wrap.ts'

const REDRAW_MILLISECONDS = 100

/**
 * Shows progress on standard error. On a terminal the current act is one line that is redrawn; elsewhere every phase,
 * note and warning is a plain line, and byte counts are left out. With `quiet` there is none of it.
 */
export class ProgressView {
  readonly #streams: Streams
  readonly #quiet: boolean
  readonly #now: () => number
  readonly #warned = new Set<string>()
  readonly #tracker = new ProgressTracker()
  #act = ''
  #drawn = false
  #lastDraw = -REDRAW_MILLISECONDS

  constructor(streams: Streams, quiet: boolean, now: () => number) {
    this.#streams = streams
    this.#quiet = quiet
    this.#now = now
  }

  readonly show = (event: Progress): void => {
    switch (event.type) {
      case 'warning':
        this.#warn(event.message)
        break
      case 'note':
        if (!this.#quiet) this.#line(event.message)
        break
      case 'phase':
      case 'bytes': {
        const advance = this.#tracker.take(event)
        if (advance !== undefined && !this.#quiet) this.#advance(advance)
      }
    }
  }

  /** Clears the line that is being redrawn; call before anything else is printed. */
  readonly clear = (): void => {
    if (!this.#drawn) return
    this.#streams.error('\r\u001B[K')
    this.#drawn = false
  }

  /** Once: several parts of a run come upon the same thing. */
  #warn(message: string): void {
    if (this.#quiet || this.#warned.has(message)) return
    this.#warned.add(message)
    this.#line(wrapSentences(`warning: ${message}`, this.#streams.width))
  }

  #advance(advance: Advance): void {
    if (advance.bytesDone !== undefined) return this.#count(advance.bytesDone, advance)
    const what = [advance.component, advance.detail].filter((part) => part !== undefined).join(' ')
    this.#act = what === '' ? advance.phase : `${advance.phase}: ${what}`
    if (this.#streams.terminal) this.#draw(`${this.#act} …`)
    else this.#streams.error(`${this.#act}\n`)
  }

  #count(done: number, { component, detail, bytesExpected: total }: Advance): void {
    if (!this.#streams.terminal || this.#now() - this.#lastDraw < REDRAW_MILLISECONDS) return
    const share =
      total === undefined || total === 0 ? '' : ` of ${formatBytes(total)} (${Math.floor((100 * done) / total)} %)`
    const subject = [component, detail].filter((part) => part !== undefined).join(' ')
    this.#draw(`${this.#act} … ${subject} ${formatBytes(done)}${share}`)
  }

  #draw(text: string): void {
    this.#lastDraw = this.#now()
    this.#drawn = true
    this.#streams.error(`\r\u001B[K${text}`)
  }

  #line(text: string): void {
    this.clear()
    this.#streams.error(`${text}\n`)
  }
}
