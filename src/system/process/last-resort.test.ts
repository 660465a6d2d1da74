import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const MODULE = JSON.stringify(join(import.meta.dirname, 'last-resort.ts'))

/** Runs a program that ends with 70 when the last resort is told something. */
function ending(rest: string): { readonly code: number | null; readonly told: string } {
  const program = `
    const { LastResort } = await import(${MODULE})
    const lastResort = new LastResort((error) => (process.stdout.write(error.message), 70))
    ${rest}`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  return { code: status, told: stdout }
}

test('an error that nobody listened for ends the program with the code of a defect', () => {
  const emits = `(await import('node:events')).EventEmitter.prototype.emit.call({}, 'error', new Error('nobody listens'))`
  for (const act of [
    `setTimeout(() => { throw new Error('nobody listens') }, 1)`,
    `setTimeout(async () => { ${emits} }, 1)`,
  ])
    assert.deepEqual(ending(`${act}\nawait new Promise((resolve) => setTimeout(resolve, 10_000))`), {
      code: 70,
      told: 'nobody listens',
    })
})

test('a program that waits for what never comes does not end with a code that means something else', () => {
  assert.deepEqual(ending('await new Promise(() => {})'), { code: 70, told: 'it waits for nothing' })
})

test('the code of work that has ended is left alone', () => {
  assert.deepEqual(ending('process.exitCode = 13; lastResort.done()'), { code: 13, told: '' })
})
