import { z } from 'zod'
import { parsed, type KubernetesClient } from './client.ts'

/** One thing that one may be allowed to do. */
export interface Right {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete'
  /** With its subresource: `pods/exec`. */
  readonly resource: string
  /** Of the core when absent. */
  readonly group?: string
  /** Of the whole cluster when absent. */
  readonly namespace?: string
  /** Any when absent. */
  readonly name?: string
}

const review = z.object({ status: z.object({ allowed: z.boolean() }) })

/** Asks the server itself whether we may; every login may ask. */
export async function isAllowed(
  { verb, resource: whole, group = '', namespace, name }: Right,
  client: KubernetesClient,
): Promise<boolean> {
  const act = 'ask for our rights'
  const [resource, subresource] = whole.split('/')
  const where = { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) }
  const resourceAttributes = { verb, group, resource, ...(subresource === undefined ? {} : { subresource }), ...where }
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const answer = await client.call({ method: 'POST', path, act, body })
  return parsed(review, answer.body, act).status.allowed
}
