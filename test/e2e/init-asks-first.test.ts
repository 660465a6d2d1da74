import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { atTerminal } from '../parts/terminal.ts'
import { holdfast, type Ran } from './holdfast.ts'
import { PASSWORD } from './lab.ts'

/** What the operator is asked for is asked for, and judged, before init has made anything. */
async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-init-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function assertRefused(ran: Pick<Ran, 'code'>, folder: string, left: readonly string[]): Promise<void> {
  assert.equal(ran.code, 2, JSON.stringify(ran))
  assert.deepEqual(await readdir(folder), left)
}

const init = ['--config', 'holdfast.yaml', 'init']

test('a password that is too short, and none at all, make nothing', async (t) => {
  const folder = await newFolder(t)
  await assertRefused(await holdfast(folder, init, { HOLDFAST_PASSWORD: 'short' }), folder, [])
  await assertRefused(await holdfast(folder, init), folder, [])
})

test('two passwords that differ make nothing', async (t) => {
  const folder = await newFolder(t)
  const steps = [
    { prompt: 'A password that locks', type: PASSWORD },
    { prompt: 'The same password again', type: `${PASSWORD} ` },
  ]
  const seen = await atTerminal(folder, init, steps)
  assert.match(seen.plain, /the two passwords differ/)
  await assertRefused(seen, folder, [])
})

test('a key file that holds no key makes nothing', async (t) => {
  const folder = await newFolder(t)
  await writeFile(join(folder, 'key'), '# empty\n', { mode: 0o600 })
  const ran = await holdfast(folder, [...init, '--identity-file', 'key'], { HOLDFAST_PASSWORD: PASSWORD })
  await assertRefused(ran, folder, ['key'])
})

test('with a configuration that lacks a key it asks first too, and with one that has it does not ask', async (t) => {
  const [folder, made] = [await newFolder(t), await newFolder(t)]
  const own = ['--no-password', '--identity-file', 'key', '--repository', `file://${join(made, 'repository')}`]
  assert.equal((await holdfast(made, [...init, ...own])).code, 0)
  const whole = await readFile(join(made, 'holdfast.yaml'), 'utf8')
  const lacking = whole
    .replace(/recipients:\s*\[[^\]]*\]|recipients:(?:\n\s+- .*)+/, 'recipients: []')
    .replaceAll(made, folder)
  await writeFile(join(folder, 'holdfast.yaml'), lacking)
  await assertRefused(await holdfast(folder, init, { HOLDFAST_PASSWORD: 'short' }), folder, ['holdfast.yaml'])
  assert.equal(await readFile(join(folder, 'holdfast.yaml'), 'utf8'), lacking)
  assert.equal((await holdfast(made, init)).code, 0)
})

test("an app's environment file that is not there makes nothing, and one in the usual place may come later", async (t) => {
  const folder = await newFolder(t)
  const [password, app] = [{ HOLDFAST_PASSWORD: PASSWORD }, ['--app', 'certctl']]
  const ran = await holdfast(folder, [...init, ...app, '--env-file', 'missing.env'], password)
  assert.match(ran.error, /environment file .*missing\.env cannot be read/)
  assert.deepEqual([ran.code, await readdir(folder)], [10, []])
  assert.equal((await holdfast(folder, [...init, ...app], password)).code, 0)
})

test('an option that makes a wrong configuration makes none, and one that comes too late is told', async (t) => {
  const folder = await newFolder(t)
  const password = { HOLDFAST_PASSWORD: PASSWORD }
  const wrong = await holdfast(folder, [...init, '--repository', '/srv/portal'], password)
  assert.match(wrong.error, /did you mean "file:\/\/\/srv\/portal"/)
  await assertRefused(wrong, folder, [])
  const right = [...init, '--repository', `file://${folder}/repository`]
  assert.doesNotMatch((await holdfast(folder, right, password)).out, /--repository/)
  assert.match((await holdfast(folder, right, password)).out, /--repository: is for a new configuration/)
})
