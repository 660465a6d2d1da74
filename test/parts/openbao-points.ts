import { captureOpenbao } from '../../src/components/openbao/capture/capture.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import type { ArtifactSource, Captured } from '../../src/components/transfer.ts'
import type { Bytes, Context } from '../../src/core/ports.ts'
import type { TestOpenbao } from './openbao.ts'
import { testContext } from './postgres.ts'

/** A capture kept in memory, as a restore point would give it back. */
export interface MemoryPoint extends Captured<OpenbaoDetails> {
  readonly source: ArtifactSource
  readonly artifacts: ReadonlyMap<string, Buffer>
}

export async function captureToMemory(
  settings: OpenbaoSettings,
  context: Context = testContext(),
): Promise<MemoryPoint> {
  const artifacts = new Map<string, Buffer>()
  const captured = await captureOpenbao(
    settings,
    {
      async write(role, _kind, content) {
        const chunks: Uint8Array[] = []
        for await (const chunk of content) chunks.push(Buffer.from(chunk))
        artifacts.set(role, Buffer.concat(chunks))
      },
    },
    context,
  )
  return { ...captured, artifacts, source: sourceOf(artifacts) }
}

export function sourceOf(artifacts: ReadonlyMap<string, Buffer>): ArtifactSource {
  return {
    roles: [...artifacts.keys()],
    sizeOf: (role) => artifacts.get(role)?.length ?? 0,
    read: (role) => piecesOf(artifacts.get(role) ?? Buffer.alloc(0)),
  }
}

async function* piecesOf(content: Buffer): Bytes {
  for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000)
}

/** Mounts of both versions with a secret in every state there is. */
export async function fillWithEverything(bao: TestOpenbao): Promise<void> {
  const must: TestOpenbao['must'] = (...request) => bao.must(...request)
  await must('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' }, description: 'keys' })
  await must('POST', 'sys/mounts/deep/er', { type: 'kv', options: { version: '2' } })
  await must('POST', 'sys/mounts/plain', { type: 'kv', options: { version: '1' } })
  await must('POST', 'sys/mounts/bare', { type: 'kv' })
  await must('POST', 'deep/er/config', { max_versions: 4, cas_required: true, delete_version_after: '0s' })
  for (let n = 1; n <= 6; n += 1) await must('POST', 'deep/er/data/limited', { options: { cas: n - 1 }, data: { n } })
  const put = (path: string, data: unknown): Promise<unknown> => must('POST', `secret/data/${path}`, { data })
  await put('root', { password: 'at the root' })
  await put('x', { a: 1 })
  await put('x/y', { nested: { deep: [1, 2.5, 'three', null, true, { '10': 1, '2': 2 }] } })
  await put('empty', {})
  await put(encodeURIComponent('with space & 100% ünï'), { 'k é y': '<&>  "\\', lines: 'a\nb\n' })
  await put('__proto__', { __proto__x: 1, constructor: 'c' })
  for (let n = 1; n <= 4; n += 1) await put('history', { n })
  await must('POST', 'secret/delete/history', { versions: [2] })
  await must('PUT', 'secret/destroy/history', { versions: [3] })
  await put('gone', { was: 'here' })
  await must('DELETE', 'secret/data/gone')
  await put('destroyed', { was: 'here' })
  await must('PUT', 'secret/destroy/destroyed', { versions: [1] })
  await must('POST', 'secret/metadata/only-metadata', { custom_metadata: { owner: 'nobody' } })
  await must('POST', 'secret/metadata/strict', {
    cas_required: true,
    max_versions: 20,
    custom_metadata: { team: 'keys', why: 'ü' },
  })
  for (let n = 1; n <= 15; n += 1) await must('POST', 'secret/data/strict', { options: { cas: n - 1 }, data: { n } })
  await must('POST', 'secret/metadata/few', { max_versions: 2 })
  for (let n = 1; n <= 7; n += 1) await put('few', { n })
  await must('POST', 'secret/metadata/expires', { delete_version_after: '3h0m0s' })
  await put('expires', { soon: true })
  await put('large', { text: 'x'.repeat(900_000) })
  await must('POST', 'plain/a/b', { number: 1, text: 'x', ttl: '5m' })
  await must('POST', 'bare/top', { value: 'top' })
  for (let n = 0; n < 1100; n += 1) await must('POST', `bare/many/${String(n).padStart(4, '0')}`, { n })
}
