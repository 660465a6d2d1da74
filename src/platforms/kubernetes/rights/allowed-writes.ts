import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'

/** Objects that a platform may change in a cluster, and how. */
export interface AllowedWrite {
  /** Empty for the core. */
  readonly group: string
  /** With its subresource: `pods/exec`. */
  readonly resource: string
  readonly verbs: readonly WriteVerb[]
  /** Any when absent. */
  readonly names?: RegExp
}
type WriteVerb = 'create' | 'update' | 'patch' | 'delete'

/** Pods that Holdfast makes begin so, and it deletes no other. */
const OWN = /^holdfast-/
const patched = (group: string, ...resources: readonly string[]): readonly AllowedWrite[] =>
  resources.map((resource) => ({ group, resource, verbs: ['patch'] }))

/**
 * The whole of it. Databases, their volumes and claims, jobs, Secrets and namespaces are not in it, so no defect elsewhere in a
 * platform changes or deletes one. A StatefulSet that holds a database is kept from a pause by `refuse-database.ts`.
 */
export const allowedWrites: readonly AllowedWrite[] = [
  ...patched('apps', 'deployments', 'statefulsets', 'daemonsets'),
  ...patched('batch', 'cronjobs'),
  ...patched('kustomize.toolkit.fluxcd.io', 'kustomizations'),
  ...patched('helm.toolkit.fluxcd.io', 'helmreleases'),
  ...patched('argoproj.io', 'applications'),
  ...patched('keda.sh', 'scaledobjects'),
  { group: '', resource: 'pods', verbs: ['create', 'delete'], names: OWN },
  { group: '', resource: 'pods/exec', verbs: ['create'] },
  { group: '', resource: 'pods/portforward', verbs: ['create'] },
  { group: '', resource: 'pods/attach', verbs: ['create'], names: OWN },
  // It stores nothing.
  { group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews', verbs: ['create'] },
]

export interface WriteRequest {
  /** `CONNECT`: streams with a program or a port of a pod. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'CONNECT'
  readonly path: string
  readonly body?: unknown
}

const verbs = { POST: 'create', CONNECT: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const
const named = z.object({ metadata: z.object({ name: z.string() }) })

/** Fails with `bug` before a request is sent that changes something else than `allowedWrites`. */
export function refuseUnlisted({ method, path, body }: WriteRequest): void {
  if (method === 'GET') return
  const { group, resource, name = method === 'POST' ? nameIn(body) : undefined } = partsOf(path)
  const isListed = allowedWrites.some(
    (one) =>
      one.group === group &&
      one.resource === resource &&
      one.verbs.includes(verbs[method]) &&
      (one.names === undefined || one.names.test(name ?? '')),
  )
  // Without a name a deletion is one of all objects.
  if (isListed && (method === 'POST' || name !== undefined)) return
  throw new Failure('bug', `a platform was about to ${verbs[method]} ${resource} ${name ?? ''} in the cluster`, {
    hint: 'Nothing was sent. Report this as a defect of Holdfast.',
  })
}

const nameIn = (body: unknown): string | undefined => named.safeParse(body).data?.metadata.name

const CORE = /^\/api\/v1\/(.+)$/
const GROUPED = /^\/apis\/([^/]+)\/[^/]+\/(.+)$/
const SCOPE = /^namespaces\/[^/]+\/(?=.)/

/** `/apis/apps/v1/namespaces/app/deployments/web` */
function partsOf(path: string): { readonly group: string; readonly resource: string; readonly name?: string } {
  const plain = path.replace(/\?.*$/s, '')
  const [, group = '', grouped] = GROUPED.exec(plain) ?? []
  const rest = (grouped ?? CORE.exec(plain)?.[1] ?? '').replace(SCOPE, '')
  const [plural = '', name, ...below] = rest.split('/').map(decodeURIComponent)
  return { group, resource: [plural, ...below].join('/'), ...(name === undefined ? {} : { name }) }
}
