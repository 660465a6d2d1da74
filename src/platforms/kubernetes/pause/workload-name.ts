import { Failure } from '../../../core/failure.ts'
import type { WorkloadName } from './pausable.ts'

/** `Deployment/identity/authentik-server`: it lasts, and says all that is needed to find the object again. */
export function nameOf({ kind, namespace, name }: WorkloadName): string {
  return `${kind}/${namespace}/${name}`
}

export function parseName(text: string): WorkloadName {
  const [kind = '', namespace = '', name = '', ...more] = text.split('/')
  if (kind !== '' && namespace !== '' && name !== '' && more.length === 0) return { kind, namespace, name }
  throw new Failure('usage', `${text} is no workload of Kubernetes`, {
    hint: 'Expected the kind, the namespace and the name, for example Deployment/identity/server.',
  })
}
