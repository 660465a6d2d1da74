import pMap from 'p-map'
import { toFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { throwIfCancelled } from '../../../core/cancelled.ts'
import type { KubernetesClient } from '../client.ts'
import { withCluster } from '../connect.ts'
import { kindOf } from '../pause/kinds.ts'
import { nameOf } from '../pause/workload-name.ts'
import { selectedWorkloads } from '../pause/running.ts'
import { isAllowed } from '../rights.ts'
import { pauseRights, type RoleRule } from '../rights/roles.ts'
import type { KubernetesReach, KubernetesSettings } from '../schema.ts'
import { startersOf } from './starters.ts'

const AT_ONCE = 8

/** Whether what a pause needs is there and allowed, and who might undo it. Changes nothing. */
export async function checkPlatform(
  settings: KubernetesSettings,
  reaches: readonly KubernetesReach[],
  context: Context,
): Promise<readonly Finding[]> {
  return await withCluster(settings, context, async (client) => [
    ...(await rightFindings(pauseRights(settings, reaches), client)),
    ...(await asFindings('workloads', context, () => workloadFindings(settings, client))),
    ...(await asFindings('namespace', context, () => namespaceFindings(settings, client))),
  ])
}

/** One finding for each right that is missing, or one that says that none is. */
export async function rightFindings(rules: readonly RoleRule[], client: KubernetesClient): Promise<readonly Finding[]> {
  const rights = rules.flatMap(({ verbs, names, ...rest }) =>
    verbs.flatMap((verb) => (names ?? [undefined]).map((name) => ({ verb, name, ...rest }))),
  )
  const allowed = await pMap(
    rights,
    ({ name, ...right }) => isAllowed({ ...right, ...(name === undefined ? {} : { name }) }, client),
    { concurrency: AT_ONCE },
  )
  const missing = rights.filter((_, index) => allowed[index] !== true)
  if (missing.length === 0) return [{ level: 'ok', subject: 'rights in the cluster', message: 'all that is needed' }]
  return missing.map(({ verb, group, resource, namespace, name }) => ({
    // Without KEDA nobody needs rights to it.
    level: group === 'keda.sh' ? 'warning' : 'error',
    subject: `right to ${verb} ${resource}${group === '' ? '' : `.${group}`}${name === undefined ? '' : ` ${name}`} in ${namespace}`,
    message: 'is missing',
    hint: 'holdfast rights kubernetes prints a role with all that is needed.',
  }))
}

async function workloadFindings(settings: KubernetesSettings, client: KubernetesClient): Promise<readonly Finding[]> {
  const all = await selectedWorkloads(settings, client)
  const found = all.map(({ workload }): Finding => {
    const message =
      kindOf(workload.kind).isWaitedFor === true ? 'is there, and is waited for' : 'is there, and can be paused'
    return { level: 'ok', subject: nameOf(workload), message }
  })
  return [...found, ...(await startersOf(settings, all, client))]
}

/** Others cannot be asked about; this login can. */
async function namespaceFindings(
  { namespace }: KubernetesSettings,
  client: KubernetesClient,
): Promise<readonly Finding[]> {
  const may = await isAllowed({ verb: 'delete', resource: 'namespaces', namespace, name: namespace }, client)
  if (!may) return []
  return [
    {
      level: 'warning',
      subject: `namespace ${namespace}`,
      message: 'the login of Holdfast may delete it with all volumes in it',
      hint: 'Give the platform a login with the rights that holdfast rights kubernetes prints.',
    },
  ]
}

export async function asFindings(
  subject: string,
  { signal }: Context,
  act: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await act()
  } catch (error) {
    throwIfCancelled(error, signal)
    const { message, hint } = toFailure(error)
    return [{ level: 'error', subject, message, ...(hint === undefined ? {} : { hint }) }]
  }
}
