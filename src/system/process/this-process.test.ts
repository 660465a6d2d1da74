import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { isRunning, thisProcess } from './this-process.ts'

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
