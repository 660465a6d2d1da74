import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { StandardStream } from './standard-stream.ts'

/** Fails with an error of this code from the second write on. */
function failing(code: string, isTTY = false): Writable & { readonly isTTY: boolean; readonly taken: string[] } {
  const taken: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      if (taken.length === 1 && text !== '') return done(Object.assign(new Error(`${code}: told`), { code }))
      taken.push(text)
      done()
    },
  })
  return Object.assign(stream, { isTTY, taken })
}

async function writeTwice(stream: Writable): Promise<string | undefined> {
  const output = new StandardStream(stream)
  output.write('first')
  output.write('second')
  const missing = await output.missing()
  output.write('third')
  return missing
}

test('all that was written is taken when nothing is missing', async () => {
  const taken: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => void setTimeout(() => done(void taken.push(text)), 5),
  })
  assert.equal(await writeTwice(stream), undefined)
  assert.deepEqual(taken.slice(0, 2), ['first', 'second'])
})

test('a full disk is why output is missing, and nothing is written behind it', async () => {
  const stream = failing('ENOSPC')
  assert.equal(await writeTwice(stream), 'ENOSPC: told')
  assert.deepEqual(stream.taken, ['first'])
})

test('a reader that has gone misses nothing', async () => {
  assert.equal(await writeTwice(failing('EPIPE')), undefined)
  assert.equal(await writeTwice(failing('EIO', true)), undefined)
  assert.equal(await writeTwice(failing('EIO')), 'EIO: told', 'a disk that fails is no terminal')
})
