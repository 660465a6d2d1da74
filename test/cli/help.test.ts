import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { holdfast } from '../e2e/holdfast.ts'

const help = (...words: readonly string[]): ReturnType<typeof holdfast> => holdfast(tmpdir(), ['help', ...words])

for (const words of [['restore'], ['key'], ['key', 'export'], ['scratch', 'remove']]) {
  test(`help ${words.join(' ')} is about that command`, async () => {
    const { code, out } = await help(...words)
    assert.equal(code, 0)
    assert.match(out, new RegExp(`^Usage: holdfast ${words.join(' ')} \\[options\\]`))
  })
}

test('help never runs what it is asked about', async () => {
  const { code, out } = await help('restore', 'portal', '--yes')
  assert.equal(code, 0)
  assert.match(out, /^Usage: holdfast restore/)
})

for (const words of [['nothing'], ['key', 'nothing']]) {
  test(`help ${words.join(' ')} says which word it does not know`, async () => {
    const { code, error } = await help(...words)
    assert.equal(code, 2)
    assert.match(error, /unknown command 'nothing'/)
  })
}

for (const words of [['backup'], ['key', 'export'], ['import', 'sql'], ['scratch', 'list']]) {
  test(`help ${words.join(' ')} names the options of every command`, async () => {
    const { out } = await help(...words)
    for (const option of [/--config <file>/, /--json\b/, /--quiet\b/]) assert.match(out, option)
  })
}
