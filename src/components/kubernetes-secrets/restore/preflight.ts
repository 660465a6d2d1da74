import { Failure } from '../../../core/failure.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import { failedFinding } from '../../../core/failed-finding.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference, Finding } from '../../../core/restore-point.ts'
import { withClient } from '../connect.ts'
import { liveDifferencesOf } from '../capture/digests.ts'
import { readObject } from '../capture/find.ts'
import { leftAlone } from '../capture/left-alone.ts'
import { notReplaceable } from './replaceable.ts'
import { rightsFindings } from '../capture/missing-rights.ts'
import { labelOf, resourceOf, type LiveObject } from '../object.ts'
import type { CapturedObject, KubernetesSecretsDetails, KubernetesSecretsSettings } from '../schema.ts'
import { OWN_LABEL, recordName } from '../capture/slots.ts'
import { freeStage } from './stage.ts'

/** What a restore would change, by fingerprints, and what it would leave alone. */
export async function preflight(
  settings: KubernetesSecretsSettings,
  mode: 'swap' | 'in-place',
  details: KubernetesSecretsDetails,
  context: Context,
): Promise<readonly Finding[]> {
  const subject = `namespace ${settings.namespace}`
  try {
    return await withClient(settings, 'restore', context, async (client) => {
      const rights = await rightsFindings(settings, 'restore', client)
      // Without the rights to read, the first object would fail and say less.
      if (rights.some(({ level }) => level === 'error')) return rights
      await requireOpenNamespace(settings, client)
      if (mode === 'swap') await freeStage(settings, client, context)
      const findings: Finding[] = [...rights, ...placeFindings(settings, details)]
      for (const captured of details.objects)
        findings.push(
          ...objectFindings(captured, await readObject(captured, settings.namespace, client), settings, details),
        )
      return findings
    })
  } catch (error) {
    context.signal.throwIfAborted()
    return [failedFinding(subject, error)]
  }
}

/** A namespace that is being deleted takes nothing new. Asked for a name of our own, as that is what we may create. */
async function requireOpenNamespace(settings: KubernetesSecretsSettings, client: KubernetesClient): Promise<void> {
  const name = recordName(settings, 0)
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels: { [OWN_LABEL]: 'probe' } } }
  try {
    await client.create(resourceOf('Secret', settings.namespace), name, body, 'dry run')
  } catch (error) {
    // A rule may forbid it for what it is; whether one forbids what is restored is asked once that is read.
    if (!(error instanceof Failure) || error.facts['refusedBy'] === 'ending namespace') throw error
    if (error.kind !== 'refused') throw error
  }
}

function placeFindings({ namespace }: KubernetesSecretsSettings, details: KubernetesSecretsDetails): Finding[] {
  if (details.namespace === namespace) return []
  const message = `was captured in namespace ${details.namespace}, and goes to ${namespace}`
  return [{ level: 'warning', subject: `namespace ${namespace}`, message }]
}

function objectFindings(
  captured: CapturedObject,
  live: LiveObject | undefined,
  settings: KubernetesSecretsSettings,
  details: KubernetesSecretsDetails,
): Finding[] {
  const subject = labelOf(captured)
  const differences = liveDifferencesOf(captured, live, details)
  const stuck = leftAlone(settings, live) === undefined ? notReplaceable(live, captured, details) : undefined
  if (stuck !== undefined) return [failedFinding(subject, stuck)]
  if (differences.length === 0) return [{ level: 'ok', subject, message: 'is what was captured' }]
  const writer = leftAlone(settings, live)
  if (writer !== undefined) return [leftFinding(subject, writer, differences)]
  if (live === undefined) return [{ level: 'ok', subject, message: 'is not there and will be created' }]
  const changes = `will be changed: ${told(differences)}`
  if (!live.description.immutable && live.description.type === captured.type)
    // A warning, since only those are shown before the question, and a newer key may be overwritten.
    return [{ level: 'warning', subject, message: changes }]
  const why = live.description.immutable ? 'is immutable' : `has type ${live.description.type ?? 'none'}`
  return [
    {
      level: 'warning',
      subject,
      message: `${why}, so it will be deleted and created again; ${changes}`,
      hint: 'Pods that start in between wait for it. Those that run keep the old values until they are restarted.',
    },
  ]
}

function leftFinding(subject: string, writer: string, differences: readonly Difference[]): Finding {
  return {
    level: 'warning',
    subject,
    message: `is written by ${writer}, so it is compared and not overwritten: ${told(differences)}`,
    hint: `Change it where ${writer} takes it from, or pause that and set managed: overwrite.`,
  }
}

function told(differences: readonly Difference[]): string {
  return differences.map(({ subject, expected, found }) => `${subject}: now ${found}, captured ${expected}`).join('; ')
}
