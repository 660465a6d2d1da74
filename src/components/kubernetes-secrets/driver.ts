import type { Driver } from '../driver.ts'
import type { RestoreTarget, TargetRequest } from '../target.ts'
import type { ArtifactSource } from '../transfer.ts'
import { fingerprintOf } from '../secret-record.ts'
import { kubernetesDestination } from './destination.ts'
import {
  kubernetesSecretsDetails,
  kubernetesSecretsSettings,
  type KubernetesSecretsDetails,
  type KubernetesSecretsSettings,
} from './schema.ts'

/** Secrets and ConfigMaps of a namespace of Kubernetes. Loaded by the call that needs it. */
export const kubernetesSecretsDriver: Driver<KubernetesSecretsSettings, KubernetesSecretsDetails> = {
  kind: 'kubernetes-secrets',
  settings: kubernetesSecretsSettings,
  details: kubernetesSecretsDetails,
  check: async (...request) => (await import('./capture/check.ts')).checkKubernetesSecrets(...request),
  capture: async (...request) => (await import('./capture/capture.ts')).captureKubernetesSecrets(...request),
  examine,
  listRetained: async (...request) => (await import('./restore/retained.ts')).retainedObjects(...request),
  rights: {
    form: 'policy',
    text: async (settings, purpose) => (await import('./role.ts')).roleText(settings, purpose),
  },
  open: openTarget,
  isWatchable: true,
  destination: kubernetesDestination,
  // Another cluster than the one this runs in has its own names.
  place: ({ kubeconfig }) => Promise.resolve(kubeconfig === undefined ? { cluster: 'Kubernetes' } : {}),
  secrets: {
    captured: async (details, source, name) =>
      (await import('./capture/values.ts')).capturedValue(details, source, name),
    live: async (...request) => (await import('./capture/values.ts')).liveValue(...request),
    fingerprints: ({ namespace, objects }) =>
      objects.flatMap(({ object, name, keys }) =>
        keys.map(({ key, digest, trailingNewline }) => ({
          name: `${object.toLowerCase()}/${name}/${key}`,
          fingerprint: fingerprintOf(digest),
          trailingNewline,
          source: `${object} ${name} in namespace ${namespace}`,
        })),
      ),
  },
}

async function examine(details: KubernetesSecretsDetails, source: ArtifactSource): Promise<void> {
  const { capturedObjects } = await import('./capture/digests.ts')
  for await (const _object of capturedObjects(details, source.read('secrets'))) {
    // Reading is the examination: every value is compared with its digest.
  }
}

async function openTarget(
  settings: KubernetesSecretsSettings,
  request: TargetRequest,
): Promise<RestoreTarget<KubernetesSecretsDetails>> {
  switch (request.mode) {
    case 'swap':
      return (await import('./restore/swap-target.ts')).swapTarget(settings, request)
    case 'in-place':
      return (await import('./restore/in-place.ts')).inPlaceTarget(settings)
    case 'scratch':
      return (await import('./restore/scratch.ts')).scratchTarget(settings, request)
    default:
      return request satisfies never
  }
}
