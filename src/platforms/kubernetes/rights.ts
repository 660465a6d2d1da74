import { z } from 'zod'
import { parsed, type KubernetesClient } from './client.ts'

/** One thing that one may be allowed to do. */
export interface Right {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'delete'
  readonly resource: string
  readonly namespace: string
  /** Any when absent. */
  readonly name?: string
}

const review = z.object({ status: z.object({ allowed: z.boolean() }) })

/** Asks the server itself whether we may; every login may ask. */
export async function isAllowed(
  { verb, resource, namespace, name }: Right,
  client: KubernetesClient,
): Promise<boolean> {
  const act = 'ask for our rights'
  const resourceAttributes = { verb, resource, namespace, version: 'v1', ...(name === undefined ? {} : { name }) }
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const answer = await client.call({ method: 'POST', path, act, body })
  return parsed(review, answer.body, act).status.allowed
}
