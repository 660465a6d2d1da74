import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutputFrames } from './frames.ts'

function frame(output: number, text: string): Buffer {
  const header = Buffer.from([output, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

const SENT = Buffer.concat([frame(1, 'one '), frame(2, 'wrong\n'), frame(1, ''), frame(1, 'two'), frame(3, 'engine\n')])

/** Standard output, given to the frames in pieces of this size. */
async function read(bytes: Buffer, size: number, ending: () => Promise<void>): Promise<[string, string]> {
  const frames = new OutputFrames('container web', ending)
  for (let at = 0; at < bytes.length; at += size) frames.write(bytes.subarray(at, at + size))
  frames.end()
  const chunks: Buffer[] = []
  for await (const chunk of frames) chunks.push(Buffer.from(chunk as Uint8Array))
  return [Buffer.concat(chunks).toString(), frames.stderr]
}

test('both outputs are told apart, however the bytes come', async () => {
  for (let size = 1; size <= SENT.length; size += 1)
    assert.deepEqual(await read(SENT, size, async () => {}), ['one two', 'wrong\nengine\n'])
})

test('a stream that was cut does not end like a whole one', async () => {
  for (let length = 0; length < SENT.length; length += 1) {
    // At the border of two frames only the engine knows whether it was the end.
    let isBorder = false
    const act = read(SENT.subarray(0, length), 7, () => {
      isBorder = true
      return Promise.reject(new Error('still runs'))
    })
    await assert.rejects(act, isBorder ? /still runs/ : { kind: 'unreachable' })
  }
})

test('only the last 4 KiB of standard error are kept', async () => {
  const [, stderr] = await read(frame(2, `${'x'.repeat(10_000)}end`), 1000, async () => {})
  assert.equal(stderr.length, 4096)
  assert.ok(stderr.endsWith('xend'))
})

test('what has no frames is refused', async () => {
  await assert.rejects(
    read(Buffer.from('plain text of a terminal'), 5, async () => {}),
    { kind: 'unsupported' },
  )
})
