import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import type { KubernetesClient } from '../../../platforms/kubernetes/client.ts'
import { randomHex } from '../../../system/random.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { nothingThere } from '../../nothing-there.ts'
import { SECRETS } from '../../secret-record.ts'
import { withClient } from '../connect.ts'
import { capturedOf } from './digests.ts'
import { requireObject, selectedObjects } from './find.ts'
import { managerOf } from './managed.ts'
import { ACCOUNT_TOKEN, labelOf, type LiveObject } from '../object.ts'
import { linesOf, valueName } from '../restore/records.ts'
import type { CapturedObject, KubernetesSecretsDetails, KubernetesSecretsSettings } from '../schema.ts'

/** Captures the exact bytes of every selected object. One that is not there or cannot be read is named; if all are so, it fails. */
export async function captureKubernetesSecrets(
  settings: KubernetesSecretsSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<KubernetesSecretsDetails>> {
  return await withClient(settings, 'capture', context, async (client) => {
    const fingerprintKey = sink.fingerprintKey ?? secretOfBytes(Buffer.from(randomHex(32), 'hex'))
    const found: Found = { objects: [], missing: [], notCaptured: settings.elsewhere.map(elsewhereText) }
    await sink.write(SECRETS, 'json-lines', capturing(settings, fingerprintKey, found, sink, client))
    if (found.objects.length === 0) throw found.missing[0]?.error ?? nothing(settings)
    const { namespace } = settings
    const details = { server: client.access.server, namespace, fingerprintKey: fingerprintKey.reveal() }
    const incomplete = found.missing.map(({ what, error }) => `${what}: ${error.message}`)
    return { details: { ...details, objects: found.objects }, notCaptured: found.notCaptured, incomplete }
  })
}

interface Found {
  readonly objects: CapturedObject[]
  readonly notCaptured: string[]
  /** What should be there and cannot be read. */
  readonly missing: { readonly what: string; readonly error: Failure }[]
}

/** One object is held at a time. */
async function* capturing(
  settings: KubernetesSecretsSettings,
  fingerprintKey: Secret,
  found: Found,
  sink: ArtifactSink,
  client: KubernetesClient,
): AsyncGenerator<Uint8Array> {
  const { namespace } = settings
  for (const selected of await selectedObjects(settings, client)) {
    const one = await requireObject(selected, namespace, client).catch(async (error: unknown) => {
      if (!(error instanceof Failure) || !(await isOfOne(error, client))) throw error
      found.missing.push({ what: labelOf(selected), error })
      return undefined
    })
    if (one === undefined) continue
    found.notCaptured.push(...leftOut(one))
    found.objects.push(capturedOf(one, managerOf(one), fingerprintKey))
    // What is proven to open the data must be the very value that is captured, not one that is read again.
    for (const [key, value] of one.values) sink.evidence?.secret(valueName(one.object, one.name, key), value)
    yield* linesOf(namespace, one)
  }
}

/** Whether a read failed by what it was for, and neither by the login nor by the server. */
async function isOfOne({ kind, facts: { status } }: Failure, client: KubernetesClient): Promise<boolean> {
  if (kind === 'notFound' || status === 403) return true
  return typeof status === 'number' && status >= 500 && (await client.isWell())
}

function leftOut(one: LiveObject): string[] {
  const owners = one.owners.map(({ kind, name }) => `${kind} ${name}`)
  const token = 'the token in it, which the cluster writes into the Secret again.'
  return [
    ...(one.description.type === ACCOUNT_TOKEN ? [`${labelOf(one)}: ${token}`] : []),
    ...(owners.length === 0 ? [] : [`${labelOf(one)}: that it is owned by ${owners.join(', ')}.`]),
    ...(one.finalizers.length === 0 ? [] : [`${labelOf(one)}: its finalizers.`]),
  ]
}

function elsewhereText({ file, reason }: KubernetesSecretsSettings['elsewhere'][number]): string {
  return `${file} is kept elsewhere: ${reason.replace(/\.$/, '')}.`
}

function nothing({ namespace }: KubernetesSecretsSettings): Failure {
  return nothingThere(`the selectors find no Secret and no ConfigMap in namespace ${namespace}`, {
    hint: 'Correct the selectors or the namespace in the configuration.',
  })
}
