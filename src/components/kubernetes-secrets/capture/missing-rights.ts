import pMap from 'p-map'
import type { Finding } from '../../../core/restore-point.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import { isAllowed, type Right } from '../../../platforms/kubernetes/rights.ts'
import type { Purpose } from '../connect.ts'
import { rulesFor, type Rule } from '../role.ts'
import type { KubernetesSecretsSettings } from '../schema.ts'
import { ownNames } from './slots.ts'

const AT_ONCE = 8

/** One finding for each right that is missing, or one that says that none is. Asks the server; changes nothing. */
export async function rightsFindings(
  settings: KubernetesSecretsSettings,
  purpose: Purpose,
  client: KubernetesClient,
): Promise<readonly Finding[]> {
  const own = new Set(ownNames(settings))
  const missing: string[] = []
  for (const rule of rulesFor(settings, purpose))
    missing.push(...(await missingOf(rule, settings.namespace, own, client)))
  const hint = `holdfast rights kubernetes ${purpose === 'capture' ? 'backup' : purpose} prints a role with all that it needs.`
  if (missing.length > 0)
    return missing.map((right) => ({ level: 'error', subject: `right to ${right}`, message: 'is missing', hint }))
  return [{ level: 'ok', subject: 'rights', message: `all that a ${purpose} needs in namespace ${settings.namespace}` }]
}

async function missingOf(
  { resource, verbs, names }: Rule,
  namespace: string,
  own: ReadonlySet<string>,
  client: KubernetesClient,
): Promise<string[]> {
  const missing: string[] = []
  for (const verb of verbs) {
    const right: Right = { verb, resource, namespace }
    // Who may do it to all of them may do it to each.
    if (await isAllowed(right, client)) continue
    if (names === undefined) missing.push(`${verb} ${resource} in ${namespace}`)
    else missing.push(...(await missingNames(right, names, own, client)))
  }
  return missing
}

async function missingNames(
  right: Right,
  names: readonly string[],
  own: ReadonlySet<string>,
  client: KubernetesClient,
): Promise<string[]> {
  const allowed = await pMap(names, (name) => isAllowed({ ...right, name }, client), { concurrency: AT_ONCE })
  const denied = names.filter((_, index) => allowed[index] !== true)
  const { verb, resource, namespace } = right
  const ofRestores = denied.filter((name) => own.has(name)).length
  return [
    ...denied.filter((name) => !own.has(name)).map((name) => `${verb} ${resource} ${name} in ${namespace}`),
    ...(ofRestores === 0 ? [] : [`${verb} the ${ofRestores} Secrets in ${namespace} that a restore keeps for undo`]),
  ]
}
