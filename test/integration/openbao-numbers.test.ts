import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { startOpenbao } from '../parts/openbao.ts'
import type { TestOpenbao } from '../parts/openbao.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** Bytes, and not what some JSON library makes of them: sent and read without any code of ours. */
const [from, to] = [await startOpenbao('raft'), await startOpenbao('raft')]
const context = testContext()
const limit = { timeout: 300_000 }

/** As the server keeps them: it sorts keys, and has the text of each number. It refuses those that no double reaches (1e400). */
const VALUES = [
  '{"a":1.0,"b":1e-400,"c":18446744073709551616,"d":0.1000,"e":-0,"f":-0.0,"g":1E+2,"h":9007199254740993}',
  '{"10":1,"2":2,"B":3,"Z":4,"__proto__":{"x":5.50},"a":6,"constructor":7,"é":8}',
  '{"list":[1.0,[2.50,{"deep":3.000}],null,true,"1.0","9007199254740993"]}',
  `{"long":0.${'1234567890'.repeat(50)},"pi":3.14159265358979323846264338327950288}`,
  '{"text":"\\u0000\\u001f\\"\\\\/\\u2028 \\u003c\\u0026\\u003e 🔑"}',
]

function send({ server }: TestOpenbao, method: string, path: string, body?: string): Promise<string> {
  const headers = { 'X-Vault-Token': server.rootToken.reveal() }
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.address}/v1/${path}`, { method, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('latin1')
        if ((answer.statusCode ?? 500) < 300) resolve(text)
        else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The bytes between the names that stand around them in every answer. */
function dataOf(answer: string): string {
  const found = /"data":(.*),"wrap_info":/s.exec(answer)?.[1]
  return found ?? assert.fail(`no data in ${answer}`)
}

test('what version 1 of KV keeps comes back in the same bytes on another server', limit, async () => {
  for (const bao of [from, to]) await bao.must('POST', 'sys/mounts/p', { type: 'kv', options: { version: '1' } })
  const before: string[] = []
  for (const [n, value] of VALUES.entries()) {
    await send(from, 'PUT', `p/v/${n}`, value)
    before.push(dataOf(await send(from, 'GET', `p/v/${n}`)))
  }
  // The server keeps the numbers: else this would prove nothing.
  assert.deepEqual([before[0], before[3]], [VALUES[0], VALUES[3]])
  const point = await captureToMemory(from.settings({ mounts: ['p'], snapshot: 'off' }))
  const request = { mode: 'in-place', restoreId: '0a1b2c3d' } as const
  const target = await openbaoDriver.open(to.settings(), request, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  for (const [n, bytes] of before.entries()) assert.equal(dataOf(await send(to, 'GET', `p/v/${n}`)), bytes)
})

test('a number of version 1 that differs in its text alone is another value', limit, async () => {
  const point = await captureToMemory(from.settings({ mounts: ['p'], snapshot: 'off' }))
  await send(to, 'PUT', 'p/v/0', VALUES[0]?.replace('1.0', '1.00'))
  const request = { mode: 'in-place', restoreId: '1a1b2c3d' } as const
  const target = await openbaoDriver.open(to.settings(), request, context)
  await target.load(point.details, point.source, context)
  assert.deepEqual(await target.compare(point.details, context), [])
  assert.equal(dataOf(await send(to, 'GET', 'p/v/0')), VALUES[0])
})
