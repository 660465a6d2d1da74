import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { isRunning, runningOperations, thisProcess } from './this-process.ts'

async function named(pid: number): Promise<string> {
  const [boot, namespace] = JSON.parse(await thisProcess()) as [string, string]
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  return JSON.stringify([boot, namespace, String(pid), stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]])
}

test('a process runs until it has ended', async () => {
  assert.equal(await isRunning(await thisProcess()), true)
  const child = spawn('sleep', ['60'])
  const name = await named(child.pid ?? 0)
  assert.equal(await isRunning(name), true)
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.equal(await isRunning(name), false)
})

test('another process with the same id is not the one that was named', async () => {
  const [boot, namespace, pid] = JSON.parse(await thisProcess()) as [string, string, string]
  assert.equal(await isRunning(JSON.stringify([boot, namespace, pid, '1'])), false)
  assert.equal(await isRunning(JSON.stringify(['an earlier start', namespace, pid, '1'])), false)
  assert.equal(await isRunning(JSON.stringify([boot, 'pid:[1]', pid, '1'])), true, 'another container')
})

test('operations of one process are told apart, and one that has ended does not run', async () => {
  const here = runningOperations()
  const [one, other] = [here.begin(), here.begin()]
  const names = [await one.self(), await other.self(), await here.self()]
  assert.equal(new Set(names).size, 3)
  for (const name of names) assert.equal(await other.isRunning(name), true)
  one.end()
  assert.deepEqual(await Promise.all(names.map((name) => other.isRunning(name))), [false, true, true])
  assert.equal(await runningOperations().isRunning(await other.self()), false, 'of what is no more')
})

test('what runs on another machine cannot be seen and is taken to run; after a restart of this one it does not', async () => {
  const here = runningOperations()
  const [, namespace = '', pid = '', started = '', operation, host] = JSON.parse(await here.begin().self()) as string[]
  const named = (on: string | undefined): string =>
    JSON.stringify(['an earlier start', namespace, pid, started, operation, on])
  assert.deepEqual([await here.isVisible(named(host)), await here.isRunning(named(host))], [true, false])
  assert.deepEqual([await here.isVisible(named('other')), await here.isRunning(named('other'))], [false, true])
})
