import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CopyMessages } from './copy-messages.ts'

function message(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

/** What comes out of a stream that is fed in pieces of these sizes, over and over. */
function take(stream: Buffer, sizes: readonly number[]): { content: Buffer; rest: Buffer | undefined } {
  const messages = new CopyMessages()
  const contents: Buffer[] = []
  for (let at = 0, turn = 0; at < stream.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    const { content, rest } = messages.feed(Buffer.from(stream.subarray(at, at + size)))
    contents.push(Buffer.from(content))
    at += size
    if (rest !== undefined)
      return { content: Buffer.concat(contents), rest: Buffer.concat([rest, stream.subarray(at)]) }
  }
  return { content: Buffer.concat(contents), rest: undefined }
}

const contents = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 12 })
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

test('contents come out in order and whole, however the stream is cut', () => {
  fc.assert(
    fc.property(contents, sizes, fc.constantFrom('c', 'E'), (rows, cuts, ending) => {
      const end = Buffer.concat([message(ending, Buffer.from('why')), message('Z', Buffer.from('I'))])
      const notice = message('N', Buffer.from('notice'))
      const stream = Buffer.concat([
        message('H', Buffer.alloc(7)),
        ...rows.flatMap((row) => [message('d', row), notice]),
        end,
      ])
      const { content, rest } = take(stream, cuts)
      assert.deepEqual(content, Buffer.concat(rows))
      assert.deepEqual(rest, end)
    }),
  )
})

test('a stream that has not ended has no rest', () => {
  const stream = Buffer.concat([message('H', Buffer.alloc(3)), message('d', Buffer.from('abc'))])
  assert.deepEqual(take(stream.subarray(0, -1), [100]), { content: Buffer.from('ab'), rest: undefined })
})
