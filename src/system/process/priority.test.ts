import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** Starts all threads of the pool, goes to the background, starts a program, and prints the priorities of all. */
const SCRIPT = `
  const { readFileSync, readdirSync } = await import('node:fs')
  const { execFileSync } = await import('node:child_process')
  const { promises } = await import('node:fs')
  await Promise.all(Array.from({ length: 64 }, () => promises.readFile('/etc/hostname')))
  const { toBackground } = await import(process.argv[1])
  await toBackground()
  const of = (text) => Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16])
  const own = readdirSync('/proc/self/task').map((task) => of(readFileSync('/proc/self/task/' + task + '/stat', 'utf8')))
  console.log(JSON.stringify([...own, of(execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' }))]))`

test('every thread, and every program that is started, lets others go first', async (t) => {
  if (!existsSync('/proc/self/task')) return t.skip('threads have no priorities of their own here')
  const module = pathToFileURL(join(import.meta.dirname, 'priority.ts')).href
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT, module])
  const priorities = JSON.parse(stdout) as number[]
  assert.ok(priorities.length > 4)
  assert.ok(
    priorities.every((one) => one >= 10),
    stdout,
  )
})
