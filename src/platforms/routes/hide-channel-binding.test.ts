import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HideChannelBinding } from './hide-channel-binding.ts'

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const offer = (...names: readonly string[]): Buffer =>
  message('R', Buffer.concat([Buffer.of(0, 0, 0, 10), Buffer.from(`${names.join('\0')}\0\0`)]))
const notice = message('N', Buffer.from('Mhello\0\0'))
const rows = message('D', Buffer.from('SCRAM-SHA-256-PLUS'))

async function through(bytes: Buffer, size: number): Promise<Buffer> {
  const filter = new HideChannelBinding()
  for (let at = 0; at < bytes.length; at += size) filter.write(bytes.subarray(at, at + size))
  filter.end()
  return Buffer.concat((await filter.toArray()) as Buffer[])
}

test('the offer goes and all else stays, wherever the chunks are cut', async () => {
  const given = Buffer.concat([notice, offer('SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'), rows])
  for (const size of [1, 2, 7, 1000])
    assert.deepEqual(await through(given, size), Buffer.concat([notice, offer('SCRAM-SHA-256'), rows]))
})

test('what offers nothing else, asks otherwise, or is no session, stays as it is', async () => {
  const later = Buffer.concat([message('R', Buffer.alloc(4)), offer('SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256')])
  const all = [
    offer('SCRAM-SHA-256-PLUS'),
    later,
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    Buffer.of(1, 2),
    rows,
  ]
  for (const given of all) assert.deepEqual(await through(given, 3), given)
})
