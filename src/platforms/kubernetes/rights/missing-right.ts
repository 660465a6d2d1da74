import { Failure } from '../../../core/failure.ts'
import { failureOf, type Answer } from '../answers.ts'

/** What a call needs, as RBAC names it. */
export interface NeededRight {
  readonly verb: string
  /** With its subresource: `pods/exec`. */
  readonly resource: string
  readonly namespace?: string | undefined
}

/** The failure of a call; where a right is missing it names verb and resource, and the command that prints the rights. */
export function failureOfCall(
  answer: Pick<Answer, 'status' | 'reason' | 'refusal'>,
  act: string,
  right: NeededRight | undefined,
): Failure {
  if (answer.status !== 403 || answer.refusal !== undefined || right === undefined) return failureOf(answer, act)
  const where = right.namespace === undefined ? '' : ` in namespace ${right.namespace}`
  return new Failure(
    'denied',
    `kubernetes: to ${act} was refused: the right to ${right.verb} ${right.resource}${where} is missing`,
    {
      hint: 'holdfast rights kubernetes prints what a platform needs, holdfast policy kubernetes what a component does.',
      facts: { status: 403, verb: right.verb, resource: right.resource },
    },
  )
}
