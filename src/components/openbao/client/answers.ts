import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import type { FailureDetails } from '../../../core/failure.ts'

/** One answer of the server, read to its end. */
export interface Answer {
  readonly status: number
  /** Parsed without loss; undefined when there is none or it is not JSON. */
  readonly body: unknown
  /** Characters of its text, of an answer to `Client.call`. */
  readonly length?: number
}

export const LIMITS_HINT =
  'Raise max_request_json_strings and max_request_json_memory of its listener until the restore is done.'

const errorBody = z.object({ errors: z.array(z.string()) })

/** What the server gives as the reason, on one line and cut. */
export function reasonOf({ status, body }: Answer): string {
  const parsed = errorBody.safeParse(body)
  const text = parsed.success ? parsed.data.errors.join('; ') : ''
  return (text === '' ? wordless(status) : text).replaceAll(/\s+/g, ' ').slice(0, 300)
}

function wordless(status: number): string {
  return `status ${status}`
}

/** 412, or as OpenBao 2.7 has it on a standby: 429 without a word, where a quota gives its reason. */
function isBehind(answer: Answer): boolean {
  return answer.status === 412 || (answer.status === 429 && reasonOf(answer) === wordless(429))
}

/** Whether the same request may be answered later: not ready, overloaded, a node that lags behind, or (307) one that is no longer the active one and cannot hand on yet. */
export function isForNow({ status, body }: Answer): boolean {
  // A mount of version 2 says so for a moment after it was made.
  if (status === 400) return /upgrad\w+ from non-versioned/i.test(reasonOf({ status, body }))
  if (status === 500)
    return !/too large|exceeds allowed|invalid|unsupported|cannot unmarshal/i.test(reasonOf({ status, body }))
  return status === 307 || status === 412 || status === 429 || status === 472 || status === 473 || status > 500
}

/** An answer that is none of those the caller expects, as a failure that says what to do. */
export function failureOf(answer: Answer, act: string): Failure {
  const [kind, what, hint] = meaningOf(answer)
  const details: FailureDetails = { hint, facts: { status: answer.status } }
  return new Failure(kind, `openbao: ${act}: ${what}`, details)
}

function meaningOf(answer: Answer): readonly [Failure['kind'], string, string] {
  const { status } = answer
  const reason = reasonOf(answer)
  if (status === 503 && /sealed/i.test(reason))
    return ['unreachable', 'the server is sealed', 'Unseal it (bao or vault operator unseal), then run this again.']
  if (status === 501) return ['unreachable', 'the server is not initialised', 'Initialise and unseal it first.']
  if (status === 307 || status === 472 || status === 473)
    return ['unreachable', 'this server is a standby that does not forward', 'Set address to the active server.']
  if (isBehind(answer))
    return ['unreachable', 'the server lags behind what was written', 'Set address to the active server, or try later.']
  if (status === 429)
    return [
      'unreachable',
      `a rate limit holds requests back: ${reason}`,
      'Raise the quota for this client or lower workers.',
    ]
  if (status === 403) return ['denied', reason, 'Give the token the rights that holdfast rights openbao prints.']
  const limit = limitOf(status, reason)
  if (limit !== undefined) return ['unsupported', `more than the server takes: ${reason}`, limit]
  // The reason quotes a part of the secret.
  if (status === 500 && /cannot unmarshal/i.test(reason))
    return [
      'corrupt',
      'the server holds a value that it cannot read',
      'Write this secret anew, and destroy that version.',
    ]
  if (status === 404) return ['notFound', `not there (${reason})`, 'Check address, namespace and mounts.']
  if (status === 400) return ['refused', reason, 'Look at the log of the server.']
  return ['unreachable', reason, 'Look at the state and the log of the server.']
}

/** What to raise, when it is a limit of the server that refuses. */
function limitOf(status: number, reason: string): string | undefined {
  // Vault looks at what a request holds before the storage does.
  if (/exceeds allowed/i.test(reason))
    return 'Raise the limits on JSON of its listener (max_json_string_value_length and those beside it).'
  if (status === 400 && /high complexity/i.test(reason)) return LIMITS_HINT
  return status === 413 || /too large/i.test(reason) ? 'Raise max_entry_size of its raft storage.' : undefined
}
