import { Failure } from '../../../core/failure.ts'
import type { Client } from '../client/client.ts'

/** Why one thing cannot be read where others can. */
export type Reason = 'the server cannot' | 'this token may not'

/** Standbys, and servers that have too much to do: nothing is said of what was asked for. */
const OF_THE_SERVER = [307, 412, 429, 472, 473]

/** Whether a read failed by what it was for. Undefined when it failed by the server, the login, or the way there. */
export async function reasonFor(error: unknown, client: Client): Promise<Reason | undefined> {
  if (!(error instanceof Failure)) return undefined
  const { status, login } = error.facts
  if (status === 403) return login === undefined ? 'this token may not' : undefined
  if (!isOfOne(error, status) || !(await client.isWell())) return undefined
  return 'the server cannot'
}

/** 404 is of a mount that the server has and cannot open: what is just not there is no failure. */
function isOfOne({ kind }: Failure, status: unknown): boolean {
  if (typeof status !== 'number') return kind === 'unreachable'
  return status === 404 || (status >= 500 && !OF_THE_SERVER.includes(status))
}

/** What is missing in a capture, for people. */
export interface Missing {
  readonly what: string
  readonly reason: Reason
}

function missingText({ what, reason }: Missing): string {
  const [first = '', ...rest] = reason
  return `${first.toUpperCase()}${rest.join('')} read ${what}, which is not in the point`
}

const MOST = 1000

/** What a capture goes on without. With more than a few it is the server, or the token, that is not in order. */
export class MissingList {
  readonly #all: Missing[] = []
  #denied: unknown

  add(missing: readonly Missing[], error?: unknown): void {
    this.#all.push(...missing)
    if (missing.some(({ reason }) => reason === 'this token may not')) this.#denied ??= error
    if (this.#all.length > MOST) throw this.#tooMany()
  }

  texts(): readonly string[] {
    return this.#all.map(missingText)
  }

  /** A token that may read nothing at all is no capture of anything. */
  requireSome(secrets: number): void {
    if (secrets === 0 && this.#denied !== undefined) throw this.#denied
  }

  #tooMany(): Failure {
    if (this.#all.every(({ reason }) => reason === 'this token may not'))
      return new Failure('denied', `openbao: this token may not read more than ${MOST} of the secrets`, {
        hint: 'Give the token the rights that holdfast rights openbao prints.',
      })
    return new Failure('unreachable', `openbao: the server cannot read more than ${MOST} of its secrets`, {
      hint: 'Look at the state and the log of the server, and at its storage.',
    })
  }
}
