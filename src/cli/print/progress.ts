import type { Progress } from '../../core/ports.ts'
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
  #phase = ''
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
        this.#phase = event.detail === undefined ? event.phase : `${event.phase}: ${event.detail}`
        if (!this.#quiet) this.#announce()
        break
      case 'bytes':
        if (!this.#quiet) this.#count(event)
        break
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

  #announce(): void {
    if (this.#streams.terminal) this.#draw(`${this.#phase} …`)
    else this.#streams.error(`${this.#phase}\n`)
  }

  #count({ done, total, subject }: Extract<Progress, { type: 'bytes' }>): void {
    if (!this.#streams.terminal || this.#now() - this.#lastDraw < REDRAW_MILLISECONDS) return
    const share =
      total === undefined || total === 0 ? '' : ` of ${formatBytes(total)} (${Math.floor((100 * done) / total)} %)`
    this.#draw(`${this.#phase} … ${subject} ${formatBytes(done)}${share}`)
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
