import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureOpenbao } from '../../src/components/openbao/capture.ts'
import { startOpenbao } from '../parts/openbao.ts'
import { testContext } from '../parts/postgres.ts'

const bao = await startOpenbao()

test('capture', async () => {
  await bao.must('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await bao.must('POST', 'sys/mounts/plain', { type: 'kv' })
  await bao.must('POST', 'secret/data/a', { data: { a: 1 } })
  await bao.must('POST', 'plain/a', { data: 'x' })
  const out: Record<string, string> = {}
  const captured = await captureOpenbao(bao.settings(), {
    async write(role, _kind, content) {
      let text = ''
      for await (const chunk of content) text += role === 'snapshot' ? '' : Buffer.from(chunk).toString('utf8')
      out[role] = text
    },
  }, testContext())
  console.log(out, captured)
  assert.ok(true)
})
