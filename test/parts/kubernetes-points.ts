import type { ArtifactSource, Captured } from '../../src/components/transfer.ts'
import { captureKubernetesSecrets } from '../../src/components/kubernetes-secrets/capture/capture.ts'
import type {
  KubernetesSecretsDetails,
  KubernetesSecretsSettings,
} from '../../src/components/kubernetes-secrets/schema.ts'
import type { TestKubernetes } from './kubernetes.ts'
import { sourceOf } from './openbao-points.ts'
import { testContext } from './postgres.ts'

/** A capture kept in memory, as a restore point would give it back. */
export interface KubernetesPoint extends Captured<KubernetesSecretsDetails> {
  readonly source: ArtifactSource
  readonly content: Buffer
}

export async function capturePoint(settings: KubernetesSecretsSettings): Promise<KubernetesPoint> {
  const artifacts = new Map<string, Buffer>()
  const write = async (role: string, _kind: string, content: AsyncIterable<Uint8Array>): Promise<void> => {
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(Buffer.from(chunk))
    artifacts.set(role, Buffer.concat(chunks))
  }
  const captured = await captureKubernetesSecrets(settings, { write }, testContext())
  return { ...captured, source: sourceOf(artifacts), content: artifacts.get('secrets') ?? Buffer.alloc(0) }
}

export function base64(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

/** Every kind of object that there is to restore. */
export async function fillNamespace(kubernetes: TestKubernetes, namespace: string): Promise<void> {
  const put = (plural: string, body: unknown): Promise<unknown> =>
    kubernetes.must('POST', `/api/v1/namespaces/${namespace}/${plural}`, body)
  await put('secrets', {
    metadata: { name: 'app-keys', labels: { app: 'one' }, annotations: { note: 'canary-in-an-annotation' } },
    data: {
      masterkey: base64('canary-captured'),
      newline: base64('canary-line\n'),
      binary: base64(Uint8Array.of(0, 255, 10, 13)),
    },
  })
  await put('secrets', { metadata: { name: 'empty', labels: { app: 'one' } } })
  await put('secrets', {
    metadata: { name: 'tls' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64('certificate'), 'tls.key': base64('canary-tls') },
  })
  await put('secrets', { metadata: { name: 'fixed' }, immutable: true, data: { key: base64('canary-fixed') } })
  await put('configmaps', {
    metadata: { name: 'config', labels: { app: 'one' } },
    data: { 'app.yaml': 'a: 1\nümlaut: ✓\n', empty: '' },
    binaryData: { blob: base64(Uint8Array.of(1, 0, 200)) },
  })
}

export const everything = { secrets: ['app-keys', 'empty', 'tls', 'fixed'], configMaps: ['config'] }
