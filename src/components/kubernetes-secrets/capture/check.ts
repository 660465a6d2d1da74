import { failedFinding } from '../../../core/failed-finding.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import { bytesOfSecret } from '../../../core/texts/secret-bytes.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import { exists } from '../../../system/files/errno.ts'
import { withClient } from '../connect.ts'
import { requireObject, selectedObjects, type Selected } from './find.ts'
import { managerOf } from './managed.ts'
import { rightsFindings } from './missing-rights.ts'
import { ACCOUNT_TOKEN, labelOf, type LiveObject } from '../object.ts'
import type { KubernetesSecretsSettings } from '../schema.ts'

/** Whether a backup could read everything, and what is odd about it. Never says a value. */
export async function checkKubernetesSecrets(
  settings: KubernetesSecretsSettings,
  context: Context,
): Promise<readonly Finding[]> {
  const files = await Promise.all(settings.elsewhere.map(elsewhereFinding))
  try {
    return await withClient(settings, 'capture', context, async (client) => [
      ...reachedFindings(client),
      ...(await objectsFindings(settings, client)),
      ...files,
    ])
  } catch (error) {
    context.signal.throwIfAborted()
    return [failedFinding(`namespace ${settings.namespace}`, error), ...files]
  }
}

function reachedFindings({ access: { server, context, insecure } }: KubernetesClient): Finding[] {
  const subject = `cluster ${context}`
  if (!insecure) return [{ level: 'ok', subject, message: server }]
  const message = `the certificate of ${server} is not checked: whoever is in between can read every value`
  return [
    {
      level: 'warning',
      subject,
      message,
      hint: 'Put the CA into the kubeconfig in place of insecure-skip-tls-verify.',
    },
  ]
}

async function objectsFindings(settings: KubernetesSecretsSettings, client: KubernetesClient): Promise<Finding[]> {
  const rights = await rightsFindings(settings, 'capture', client)
  if (rights.some(({ level }) => level === 'error')) return [...rights]
  const selected = await selectedObjects(settings, client)
  const findings: Finding[] = [...rights]
  for (const one of selected) findings.push(...(await objectFindings(one, settings, client)))
  if (selected.length > 0) return findings
  const subject = `namespace ${settings.namespace}`
  return [...findings, { level: 'error', subject, message: 'the selectors find no Secret and no ConfigMap' }]
}

async function objectFindings(
  selected: Selected,
  { namespace, managed }: KubernetesSecretsSettings,
  client: KubernetesClient,
): Promise<Finding[]> {
  const subject = labelOf(selected)
  try {
    const one = await requireObject(selected, namespace, client)
    if (one === undefined) return []
    const odd = [...accountFinding(one), ...newlineFindings(one), ...managedFinding(one, managed)]
    return odd.length > 0 ? odd : [{ level: 'ok', subject, message: `${one.values.size} keys` }]
  } catch (error) {
    return [failedFinding(subject, error)]
  }
}

function accountFinding(one: LiveObject): Finding[] {
  if (one.description.type !== ACCOUNT_TOKEN) return []
  const message =
    'is for the token of a service account: the Secret is captured, and the token in it is made again by the cluster'
  return [{ level: 'warning', subject: labelOf(one), message }]
}

/** A line break at the end of a single line of a Secret is an editor's more often than the secret's. */
function newlineFindings(one: LiveObject): Finding[] {
  if (one.object !== 'Secret') return []
  return [...one.values].flatMap(([key, value]) => {
    const content = bytesOfSecret(value)
    if (content.length === 0 || content.indexOf(10) !== content.length - 1) return []
    const message = `key ${key} ends with a line break, which is captured and restored as part of the value`
    const hint = 'Remove it if the app does not: printf %s instead of echo.'
    return [{ level: 'warning' as const, subject: labelOf(one), message, hint }]
  })
}

function managedFinding(one: LiveObject, managed: KubernetesSecretsSettings['managed']): Finding[] {
  const writer = managerOf(one)
  if (writer === undefined) return []
  const does =
    managed === 'overwrite' ? 'a restore overwrites it nevertheless' : 'a restore compares it and does not overwrite it'
  return [{ level: 'ok', subject: labelOf(one), message: `${one.values.size} keys, written by ${writer}; ${does}` }]
}

async function elsewhereFinding({ file, reason }: KubernetesSecretsSettings['elsewhere'][number]): Promise<Finding> {
  const subject = `file ${file}`
  if (await exists(file)) return { level: 'ok', subject, message: `is there; not captured: ${reason}` }
  const hint = 'It is never captured. Make sure that a copy is kept where this cluster and this host cannot lose it.'
  return { level: 'warning', subject, message: `is not there: ${reason}`, hint }
}
