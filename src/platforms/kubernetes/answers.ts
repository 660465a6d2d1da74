import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { FailureKind } from '../../core/failure.ts'
import { refusalIn, refusedBy, type Refusal } from './refusals.ts'

/** How the API server says that something failed. Its `message` may quote values of the request, so it goes nowhere. */
const statusObject = z.object({
  kind: z.literal('Status'),
  reason: z.string().optional(),
  message: z.string().optional(),
})

export interface Answer {
  readonly status: number
  /** The server's word for a failure, for example `AlreadyExists`. */
  readonly reason: string | undefined
  /** Who else than the rights forbids it. */
  readonly refusal?: Refusal | undefined
  readonly body: unknown
}

export function answerOf(status: number, text: string): Answer {
  const body = jsonOf(text)
  const said = statusObject.safeParse(body)
  const { reason, message = '' } = said.success ? said.data : {}
  return { status, reason, refusal: refusalIn(message), body }
}

/** JSON.parse quotes what it could not read, so its own error goes no further. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const RIGHTS = 'holdfast rights kubernetes prints the rights it needs.'
const kinds: Readonly<Record<number, readonly [FailureKind, string, string | undefined]>> = {
  400: ['bug', 'was not understood', undefined],
  401: [
    'denied',
    'was refused: the login is not valid, or is over',
    'Log in again, or put a token or certificate that is valid now into the kubeconfig, then run this again.',
  ],
  403: ['denied', 'was refused: the right is missing', RIGHTS],
  404: ['notFound', 'found nothing', 'Check the namespace and the names.'],
  409: ['locked', 'met a change that somebody else made at the same time', 'Run it again.'],
  410: ['locked', 'took longer than the server remembers', 'Run it again.'],
  413: ['unsupported', 'was larger than the server takes', undefined],
  422: [
    'refused',
    'was not accepted as valid',
    'The object is immutable, or an admission rule of the cluster forbids it.',
  ],
  429: ['unreachable', 'was put off by a busy server', 'Run it again later.'],
}

/** `act` says what was tried, for example `read Secret app-keys`. */
export function failureOf(
  { status, reason, refusal }: Pick<Answer, 'status' | 'reason' | 'refusal'>,
  act: string,
): Failure {
  if (refusal !== undefined) return refusedBy(refusal, act, status)
  const [kind, says, hint] = kinds[status] ?? [
    status >= 500 ? 'unreachable' : 'toolFailed',
    `was answered with ${status}`,
    undefined,
  ]
  return new Failure(kind, `kubernetes: to ${act} ${says}`, {
    ...(hint === undefined ? {} : { hint }),
    facts: { status, ...(reason === undefined ? {} : { reason }) },
  })
}
