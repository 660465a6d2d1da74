import type { KubernetesReach, KubernetesSettings, PauseSelection } from '../schema.ts'
import type { Right } from '../rights.ts'

export const rolePurposes = ['backup', 'restore', 'drill', 'guardian'] as const
export type RolePurpose = (typeof rolePurposes)[number]

/** What may be done in one namespace. */
export interface RoleRule {
  readonly namespace: string
  /** Empty for the core. */
  readonly group: string
  readonly resource: string
  readonly verbs: readonly Right['verb'][]
  /** Any when absent: RBAC can limit neither lists nor labels to names. */
  readonly names?: readonly string[]
}

const APPS = 'apps'
const ofKind = {
  Deployment: [APPS, 'deployments'],
  StatefulSet: [APPS, 'statefulsets'],
  DaemonSet: [APPS, 'daemonsets'],
  CronJob: ['batch', 'cronjobs'],
  Job: ['batch', 'jobs'],
  Kustomization: ['kustomize.toolkit.fluxcd.io', 'kustomizations'],
  HelmRelease: ['helm.toolkit.fluxcd.io', 'helmreleases'],
  Application: ['argoproj.io', 'applications'],
} as const

/**
 * The least that a purpose needs. A backup and a drill only reach; a guardian also starts and stops what a restore does.
 * Variables of the container are read by a program inside, so no right on Secrets is among it.
 */
export function rulesFor(
  settings: KubernetesSettings,
  reaches: readonly KubernetesReach[],
  purpose: RolePurpose,
): readonly RoleRule[] {
  const hasDatabase = reaches.some(isOfDatabase)
  const pauses = purpose === 'restore' || purpose === 'guardian'
  const rules = [
    ...reaches.flatMap((reach) => reachRules(settings.namespace, reach)),
    ...reaches.filter(({ byHelper }) => byHelper).flatMap((reach) => helperRules(settings, reach)),
    ...(pauses ? pauseRules(settings, hasDatabase) : []),
    ...(purpose === 'drill' && hasDatabase ? throwAwayRules(settings) : []),
  ]
  return merged(rules)
}

const isOfDatabase = ({ holds }: KubernetesReach): boolean => holds === undefined

/** Of those of a restore, what stopping and starting needs. */
export function pauseRights(settings: KubernetesSettings, reaches: readonly KubernetesReach[]): readonly RoleRule[] {
  return merged(pauseRules(settings, reaches.some(isOfDatabase)))
}

function reachRules(namespace: string, { pod, service, statefulSet, route }: KubernetesReach): RoleRule[] {
  const names = pod === undefined ? {} : { names: [pod] }
  const core = { namespace, group: '' }
  return [
    { ...core, resource: 'pods', verbs: ['get'], ...names },
    ...(pod === undefined ? [{ ...core, resource: 'pods', verbs: ['list'] } as const] : []),
    { ...core, resource: 'pods/exec', verbs: ['get', 'create'], ...names },
    ...(route === 'auto' || route === 'port-forward'
      ? [{ ...core, resource: 'pods/portforward', verbs: ['get', 'create'], ...names } as const]
      : []),
    ...(service === undefined ? [] : [{ ...core, resource: 'services', verbs: ['get'], names: [service] } as const]),
    ...(statefulSet === undefined
      ? []
      : [{ namespace, group: APPS, resource: 'statefulsets', verbs: ['get'], names: [statefulSet] } as const]),
  ]
}

/** Where the throw-away server of a drill runs in a pod. */
function throwAwayRules({ namespace }: KubernetesSettings): RoleRule[] {
  const core = { namespace, group: '' }
  return [
    { ...core, resource: 'pods', verbs: ['get', 'list', 'create', 'delete'] },
    { ...core, resource: 'pods/attach', verbs: ['get', 'create'] },
    { ...core, resource: 'pods/exec', verbs: ['get', 'create'] },
  ]
}

/** Of a pod that is not there, the volumes are read from what would make it. */
function helperRules(settings: KubernetesSettings, { pod, statefulSet }: KubernetesReach): RoleRule[] {
  const { namespace } = settings
  const name = statefulSet ?? /^(.+)-\d+$/.exec(pod ?? '')?.[1]
  const workloads = { namespace, group: APPS }
  const listed = (resource: string): RoleRule => ({ ...workloads, resource, verbs: ['list'] })
  return [
    ...throwAwayRules(settings),
    ...(name === undefined ? [] : [{ ...workloads, resource: 'statefulsets', verbs: ['get'], names: [name] } as const]),
    ...((statefulSet ?? pod) === undefined ? [listed('deployments'), listed('statefulsets')] : []),
  ]
}

function pauseRules({ namespace, pauses, suspends }: KubernetesSettings, hasDatabase: boolean): RoleRule[] {
  const has = (...kinds: readonly PauseSelection['kind'][]): boolean => pauses.some(({ kind }) => kinds.includes(kind))
  const scales = has('Deployment', 'StatefulSet')
  const core = { namespace, group: '' }
  return [
    ...suspends.map(({ kind, name, namespace: own = namespace }): RoleRule => {
      const [group, resource] = ofKind[kind]
      return { namespace: own, group, resource, verbs: ['get', 'patch'], names: [name] }
    }),
    ...pauses.flatMap((pause) => pauseRule(namespace, pause)),
    ...(scales || has('DaemonSet')
      ? [
          { ...core, resource: 'pods', verbs: ['list'] } as const,
          // That a pause does not stop a database that is reached by an address is known from Services.
          { ...core, resource: 'services', verbs: ['list'] } as const,
        ]
      : []),
    ...(has('CronJob') ? [{ namespace, group: 'batch', resource: 'jobs', verbs: ['list'] } as const] : []),
    // That a pause does not stop the database is known from whose its pod is.
    ...(hasDatabase && pauses.length > 0
      ? [{ namespace, group: APPS, resource: 'replicasets', verbs: ['get'] } as const]
      : []),
    ...(scales
      ? [{ namespace, group: 'keda.sh', resource: 'scaledobjects', verbs: ['get', 'list', 'patch'] } as const]
      : []),
  ]
}

function pauseRule(namespace: string, { kind, name }: PauseSelection): RoleRule[] {
  const [group, resource] = ofKind[kind]
  const rule = { namespace, group, resource }
  // Jobs are waited for.
  const change = kind === 'Job' ? [] : (['patch'] as const)
  if (name !== undefined) return [{ ...rule, verbs: ['get', ...change], names: [name] }]
  return [{ ...rule, verbs: ['get', 'list', ...change] }]
}

/** Rules of the same objects are one. */
function merged(rules: readonly RoleRule[]): readonly RoleRule[] {
  const byObjects = new Map<string, RoleRule>()
  for (const rule of rules) {
    const key = JSON.stringify([rule.namespace, rule.group, rule.resource, rule.names ?? null])
    const verbs = new Set([...(byObjects.get(key)?.verbs ?? []), ...rule.verbs])
    byObjects.set(key, { ...rule, verbs: [...verbs] })
  }
  return [...byObjects.values()]
}

/** Who is bound to the roles. */
export interface RoleAccount {
  readonly namespace: string
  readonly name: string
}

/** A Role and its RoleBinding for each namespace, to be read and applied by an administrator. */
export function roleObjects(
  rules: readonly RoleRule[],
  purpose: RolePurpose,
  account: RoleAccount,
): readonly unknown[] {
  const [apiVersion, name] = ['rbac.authorization.k8s.io/v1', `holdfast-${purpose}`]
  const namespaces = [...new Set(rules.map(({ namespace }) => namespace))]
  return namespaces.flatMap((namespace) => {
    const metadata = { name, namespace }
    const own = rules.filter((rule) => rule.namespace === namespace)
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
    return [
      { apiVersion, kind: 'Role', metadata, rules: own.map(policyRule) },
      { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [{ kind: 'ServiceAccount', ...account }] },
    ]
  })
}

function policyRule({ group, resource, verbs, names }: RoleRule) {
  return {
    apiGroups: [group],
    resources: [resource],
    verbs,
    ...(names === undefined ? {} : { resourceNames: names }),
  }
}
