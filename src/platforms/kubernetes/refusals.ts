import { Failure } from '../../core/failure.ts'

/** Who refused a change that we have the right to. The server's words may quote values, so only names of rules are taken. */
export type Refusal =
  | { readonly by: 'quota' | 'ending namespace' }
  | { readonly by: 'admission rule'; readonly name: string }
  /** Of a dry run only: it says nothing of the change itself. */
  | { readonly by: 'rule without dry runs'; readonly name: string }

const NAME = String.raw`["']([-a-zA-Z0-9._/]{1,253})["']`
const NO_DRY_RUN = new RegExp(`admission webhook ${NAME} does not support dry run`)
const RULE = new RegExp(`(?:admission webhook|ValidatingAdmissionPolicy) ${NAME} (?:with binding ${NAME} )?denied`, 'i')

/** What the message of a refusal says. Undefined where it is none of these, as a missing right. */
export function refusalIn(message: string): Refusal | undefined {
  const unsupported = NO_DRY_RUN.exec(message)?.[1]
  if (unsupported !== undefined) return { by: 'rule without dry runs', name: unsupported }
  const name = RULE.exec(message)?.[1]
  if (name !== undefined) return { by: 'admission rule', name }
  if (/because it is being terminated/.test(message)) return { by: 'ending namespace' }
  return /exceeded quota|failed quota/.test(message) ? { by: 'quota' } : undefined
}

export function refusedBy(refusal: Refusal, act: string, status: number): Failure {
  const [says, hint] = wordsOf(refusal)
  const facts = { status, refusedBy: refusal.by }
  return new Failure('refused', `kubernetes: to ${act} was refused: ${says}`, { hint, facts })
}

function wordsOf(refusal: Refusal): readonly [string, string] {
  switch (refusal.by) {
    case 'quota':
      return ['a quota of the namespace is used up', 'Raise the ResourceQuota of the namespace, then run this again.']
    case 'ending namespace':
      return [
        'the namespace is being deleted',
        'Wait until it is gone and make it again, or restore into another namespace.',
      ]
    case 'admission rule':
    case 'rule without dry runs':
      return [
        `the admission rule ${refusal.name} forbids it`,
        'Change that rule, or except this object from it, then run this again.',
      ]
    default:
      return refusal satisfies never
  }
}
