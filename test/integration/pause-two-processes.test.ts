import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { makeTemporaryFolder, removeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'

const SCRIPT = fileURLToPath(new URL('../parts/hold-app.ts', import.meta.url))
const [PROCESSES, ROUNDS] = [4, 8]

const said = async (child: ChildProcess): Promise<unknown> => (await once(child, 'message'))[0]

async function startedHolders(t: TestContext, folder: string): Promise<readonly ChildProcess[]> {
  const children = Array.from({ length: PROCESSES }, (_, index) => fork(SCRIPT, [folder, `abcdef0${index}`]))
  t.after(() => children.forEach((child) => child.kill('SIGKILL')))
  await Promise.all(children.map(said))
  return children
}

async function everyone(children: readonly ChildProcess[]): Promise<readonly string[]> {
  const answers = children.map(async (child) => String(await said(child)))
  for (const child of children) child.send('go')
  return await Promise.all(answers)
}

test('of many processes that begin at one app at once exactly one holds it', { timeout: 120_000 }, async (t) => {
  const folder = await makeTemporaryFolder()
  t.after(() => removeTemporaryFolder(folder))
  const children = await startedHolders(t, folder)
  for (let round = 0; round < ROUNDS; round += 1) {
    const outcomes = (await everyone(children)).toSorted()
    assert.deepEqual(outcomes, [...Array.from({ length: PROCESSES - 1 }, () => 'locked'), 'won'], `round ${round}`)
    await everyone(children)
  }
  assert.deepEqual(await readdir(folder), [])
})

test('who is killed within the lock or while it holds keeps nobody out', { timeout: 120_000 }, async (t) => {
  const folder = await makeTemporaryFolder()
  t.after(() => removeTemporaryFolder(folder))
  const children = await startedHolders(t, folder)
  for (const [index, child] of children.entries()) {
    const answer = said(child)
    child.send('go')
    // A look, the file of the lock, the platform and the record take some ten milliseconds.
    await new Promise((resolve) => setTimeout(resolve, index * 8))
    if (child === children.at(-1)) assert.equal(await answer, 'won')
    else child.kill('SIGKILL')
  }
})
