import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** As bin/holdfast starts Node. */
const FLAGS = ['--initial-heap-size=64', '--max-semi-space-size=2', '--input-type=module', '--eval']

/** The most that the heap had, in bytes, while small objects came and went and some of them stayed. */
const CHURN = `
function churn() {
  const alive = []
  let most = 0
  for (let n = 0; n < 3_000_000; n += 1) {
    alive[n % 150_000] = { key: 'value ' + n, more: [n, n + 1] }
    if (n % 10_000 === 0) most = Math.max(most, process.memoryUsage().heapTotal)
  }
  console.log(most)
}`
const WITH_CLIENT = `
import { withClient } from '${import.meta.resolve('./connect.ts')}'
import { openbaoSettings } from '${import.meta.resolve('../schema.ts')}'
const settings = openbaoSettings.parse({ kind: 'openbao', address: 'http://127.0.0.1:1', token: 'none' })
await withClient(settings, 'capture', { signal: new AbortController().signal }, async () => churn())`

async function heapOf(script: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script], { timeout: 60_000 })
  return Number(stdout)
}

test('where OpenBao is asked, the heap stays near what is alive', async () => {
  const [usual, asked] = [await heapOf(`${CHURN}\nchurn()`), await heapOf(`${CHURN}\n${WITH_CLIENT}`)]
  assert.ok(asked < usual * 0.75, `${asked} bytes beside ${usual}`)
})
