import type { Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { SECRETS } from '../../secret-record.ts'
import { withClient } from '../connect.ts'
import { capturedObjects } from './digests.ts'
import { readObject } from './find.ts'
import { valueName } from '../restore/records.ts'
import { objectKind, type KubernetesSecretsDetails, type KubernetesSecretsSettings } from '../schema.ts'

/** The captured value of this name, for example `secret/app-keys/masterkey`. Reads all, and so proves it. */
export async function capturedValue(
  details: KubernetesSecretsDetails,
  source: ArtifactSource,
  wanted: string,
): Promise<Secret | undefined> {
  let found: Secret | undefined
  for await (const { object, name, values } of capturedObjects(details, source.read(SECRETS)))
    for (const [key, value] of values) if (valueName(object, name, key) === wanted) found = value
  return found
}

/** The value that the app has now. */
export async function liveValue(
  settings: KubernetesSecretsSettings,
  wanted: string,
  context: Context,
): Promise<Secret | undefined> {
  const [kind, name = '', key = ''] = wanted.split('/')
  const object = objectKind.options.find((one) => one.toLowerCase() === kind)
  if (object === undefined) return undefined
  return await withClient(settings, 'capture', context, async (client) => {
    const live = await readObject({ object, name }, settings.namespace, client)
    return live?.values.get(key)
  })
}
