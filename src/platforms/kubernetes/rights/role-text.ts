import { stringify } from 'yaml'
import { roleObjects, rulesFor, type RolePurpose } from './roles.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'

/** Role and RoleBinding for kubectl apply. The account is the one that an administrator makes for Holdfast. */
export function roleText(
  settings: KubernetesSettings,
  reaches: readonly KubernetesReach[],
  purpose: RolePurpose,
): string {
  const account = { namespace: settings.namespace, name: 'holdfast' }
  const objects = roleObjects(rulesFor(settings, reaches, purpose), purpose, account)
  return `# For ServiceAccount holdfast in namespace ${settings.namespace}; correct the subject where it is another.\n${objects
    .map((object) => stringify(object))
    .join('---\n')}`
}
