import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRowsEnd } from './rows-end.ts'

async function ends(text: string, isCopy: boolean, size: number): Promise<boolean> {
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size))
  }
  return assertRowsEnd(chunks(), isCopy, (what) => new Error(what)).then(
    () => true,
    () => false,
  )
}

for (const [isCopy, whole, empty] of [
  [true, 'a\tb\n1\\\\.\n\\.\n\n\n', '\\.\n\n\n'],
  [false, "INSERT INTO t VALUES ('a\n\n');\n\n\n", '\n\n'],
] as const) {
  test(`data of ${isCopy ? 'COPY' : 'INSERT'} that lacks the least of its end is told from data that has it`, async () => {
    for (const size of [1, 2, 3, 100]) {
      for (const text of [whole, empty]) {
        assert.ok(await ends(text, isCopy, size), `${size}`)
        for (let length = 0; length < text.length; length += 1)
          assert.ok(!(await ends(text.slice(0, length), isCopy, size)), `${length} of ${text.length} in ${size}`)
        assert.ok(!(await ends(`${text}\n`, isCopy, size)))
        assert.ok(!(await ends(`x${empty}`, isCopy, size)))
      }
    }
  })
}
