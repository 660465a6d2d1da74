import { stringify } from 'yaml'
import type { Right } from '../../platforms/kubernetes/rights.ts'
import type { Purpose } from './connect.ts'
import type { KubernetesSecretsSettings } from './schema.ts'
import { ownNames } from './capture/slots.ts'

export interface Rule {
  readonly resource: 'secrets' | 'configmaps'
  readonly verbs: readonly Right['verb'][]
  /** Any when absent. */
  readonly names?: readonly string[]
}

/** The least that a capture or a restore of these settings needs. */
export function rulesFor(settings: KubernetesSecretsSettings, purpose: Purpose): readonly Rule[] {
  const { secrets, secretSelector, configMaps, configMapSelector } = settings
  const restores = purpose === 'restore'
  return [
    ...ruleOf('secrets', secrets, secretSelector, restores, restores ? ownNames(settings) : []),
    ...ruleOf('configmaps', configMaps, configMapSelector, restores, []),
  ]
}

/** RBAC can limit neither creating to a name nor reading to a label. */
function ruleOf(
  resource: Rule['resource'],
  selected: readonly string[],
  selector: string | undefined,
  restores: boolean,
  own: readonly string[],
): Rule[] {
  const used = selected.length > 0 || selector !== undefined
  const changes: readonly Right['verb'][] = restores ? ['update', 'delete'] : []
  const creates: Rule[] = restores && (used || own.length > 0) ? [{ resource, verbs: ['create'] }] : []
  if (selector !== undefined) return [{ resource, verbs: restores ? ['get', ...changes] : ['get', 'list'] }, ...creates]
  const names = [...selected, ...own]
  return names.length === 0 ? [] : [{ resource, verbs: ['get', ...changes], names }, ...creates]
}

/** A Role, and what binds it, to be read and applied by an administrator. */
export function roleText(settings: KubernetesSecretsSettings, purpose: Purpose): string {
  const { namespace, secretSelector, configMapSelector } = settings
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: `holdfast-${purpose}`, namespace },
    rules: rulesFor(settings, purpose).map(({ resource, verbs, names }) => ({
      apiGroups: [''],
      resources: [resource],
      verbs,
      ...(names === undefined ? {} : { resourceNames: names }),
    })),
  }
  const wide = secretSelector ?? configMapSelector
  return [
    `# What Holdfast needs for a ${purpose} in namespace ${namespace}. Nothing else is allowed.`,
    ...(wide === undefined
      ? []
      : ['# A label selector needs rights on all objects of the kind; names would need less.']),
    ...(purpose === 'restore' ? ['# The names that begin with holdfast- are what a restore keeps for undo.'] : []),
    `# Bind it: kubectl create rolebinding holdfast-${purpose} -n ${namespace} --role=holdfast-${purpose} --serviceaccount=<namespace>:<account>`,
    stringify(role, { lineWidth: 0 }).trimEnd(),
  ].join('\n')
}
