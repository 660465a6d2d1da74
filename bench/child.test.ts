import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownPeak, runMeasured, toolsPeak } from './child.ts'

const signal = new AbortController().signal
const MIB = 1024 * 1024

function node(script: string): Promise<Awaited<ReturnType<typeof runMeasured>>> {
  return runMeasured({ file: process.execPath, args: ['-e', script], signal })
}

/** Holds so much memory that was really written to, long enough to be seen. */
const holding = (mib: number): string =>
  `const held = Buffer.alloc(${mib * MIB}, 1); setTimeout(() => held.length, 300)`

test('the peak is that of the largest process, also of a grandchild, and grows with what it holds', async () => {
  const small = await node(holding(1))
  const large = await node(holding(200))
  const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(holding(200))}])`
  const below = await node(script)
  const [base, own, grandchild] = [small, large, below].map(ownPeak)
  assert.ok(base !== undefined && own !== undefined && grandchild !== undefined)
  assert.ok(own - base > 150 && own - base < 260, `${base} and ${own} MiB`)
  assert.ok(Math.abs(grandchild - own) < 40, `${grandchild} and ${own} MiB`)
})

test('tools are counted apart from our own processes', async () => {
  const run = await node(`require('node:child_process').spawn('sleep', ['0.3'])`)
  const tools = toolsPeak(run)
  assert.ok(tools !== undefined && tools > 0 && tools < 20, `${tools} MiB`)
  assert.equal(toolsPeak(await node('')), undefined)
})

test('the time is that of the whole run', async () => {
  const { seconds } = await node('setTimeout(() => {}, 400)')
  assert.ok(seconds >= 0.4 && seconds < 5, `${seconds} s`)
})

test('a run that fails is no measurement', async () => {
  await assert.rejects(node('console.error("no luck"); process.exit(3)'), {
    kind: 'toolFailed',
    message: /exit code 3[^]*no luck/,
  })
  await assert.rejects(runMeasured({ file: '/nowhere/at/all', args: [], signal }), { kind: 'toolFailed' })
  const cancelled = runMeasured({
    file: process.execPath,
    args: ['-e', 'setTimeout(() => {}, 60000)'],
    signal: AbortSignal.timeout(100),
  })
  await assert.rejects(cancelled, { kind: 'cancelled' })
})
