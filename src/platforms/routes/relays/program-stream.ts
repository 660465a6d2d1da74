import { Duplex } from 'node:stream'
import { Failure, toFailure } from '../../../core/failure.ts'
import type { RunningProgram } from '../../place.ts'

export interface RelayEnding {
  /** For people: `exec-relay by bash to port 5432 of container app-db-1`. */
  readonly name: string
  /** Whether exit code 0 also tells, after the end of our input, that the server's last byte was given. */
  readonly tellsEnd: boolean
}

/**
 * The streams of a relay as one. It ends only when the relay says that the server has ended and all was given; a relay that
 * is cut, killed or gives up destroys it with `unreachable`. Destroying it ends the relay.
 */
export class ProgramStream extends Duplex {
  readonly #program: RunningProgram
  readonly #ending: RelayEnding

  constructor(program: RunningProgram, ending: RelayEnding) {
    super({ allowHalfOpen: true })
    this.#program = program
    this.#ending = ending
    program.stdin.on('error', () => {})
    program.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) program.stdout.pause()
    })
    program.stdout.on('error', (error) => this.destroy(this.#broken(error)))
    program.ended.then(
      (code) => this.#end(code),
      (error: unknown) => this.destroy(this.#broken(error)),
    )
  }

  override _read(): void {
    this.#program.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // What a relay no longer takes is lost; why is told by its end, behind what the server said last.
    this.#program.stdin.write(chunk, () => done())
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#program.stdin.end(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#program.stop()
    done(error)
  }

  #end(code: number): void {
    const isWhole = code === 0 && (this.#ending.tellsEnd || !this.writableEnded)
    if (isWhole) this.push(null)
    else this.destroy(this.#broken(undefined, code))
  }

  #broken(cause: unknown, code?: number): Failure {
    const failure = cause === undefined ? undefined : toFailure(cause)
    if (failure?.kind === 'cancelled') return failure
    const said = this.#program.stderr().trim().split('\n').at(-1)?.slice(-200) ?? ''
    const why = [code === undefined ? '' : `exit code ${code}`, failure?.message ?? '', said].filter(
      (text) => text !== '',
    )
    return new Failure('unreachable', `${this.#ending.name} ended before the server did: ${why.join(', ')}`, { cause })
  }
}
