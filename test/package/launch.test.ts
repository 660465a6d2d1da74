import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runQuietly } from '../../scripts/run.ts'

/** What stands in the way of a start is told in one line with what to do, whatever Node there is. */
const root = join(import.meta.dirname, '..', '..')
let folder = ''
let clone = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-launch-'))
  clone = join(folder, 'clone')
  await cp(join(root, 'bin'), join(clone, 'bin'), { recursive: true })
  await mkdir(join(clone, 'src'))
  await writeFile(join(clone, 'src', 'main.ts'), "console.log('started')")
})
after(() => rm(folder, { recursive: true }))

/** A PATH with the tools that the script needs, and this `node`: none, or a script in its place. */
async function pathWith(name: string, node?: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  for (const tool of ['dirname', 'readlink', 'nproc']) await symlink(`/usr/bin/${tool}`, join(path, tool))
  if (node !== undefined) await symlink(node, join(path, 'node'))
  return path
}

/** A Node that says it is old. */
async function oldNode(): Promise<string> {
  const path = join(folder, 'old-node')
  const lie = join(folder, 'lie.cjs')
  await writeFile(lie, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.1.0' } })")
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' --require '${lie}' "$@"\n`, { mode: 0o755 })
  return path
}

async function start(
  path: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string }> {
  return await runQuietly('/bin/sh', [join(clone, 'bin', 'holdfast'), '--version', ...args], { PATH: path })
}

const INSTALL = /^holdfast: [^\n]*run "npm ci --omit=dev" in \/[^\n]*clone[^\n]*\n$/

test('without installed packages it says which command installs them, also where there is no Node, an old or a new one', async () => {
  const paths = [
    await pathWith('none'),
    await pathWith('old', await oldNode()),
    await pathWith('new', process.execPath),
  ]
  for (const path of paths) {
    const { code, output } = await start(path)
    assert.equal(code, 31, output)
    assert.match(output, INSTALL)
  }
})

test('with packages, an old Node without the one that npm brings is named, and a new one starts', async () => {
  await mkdir(join(clone, 'node_modules', 'commander'), { recursive: true })
  const { code, output } = await start(await pathWith('old-with', await oldNode()))
  assert.equal(code, 31, output)
  assert.match(output, /^holdfast: needs Node 24\.15 or newer, and this is 18\.1\.0; [^\n]+\n$/)
  assert.deepEqual(await start(await pathWith('new-with', process.execPath)), { code: 0, output: 'started\n' })
})

test('what stands behind the program is for the program alone: Node reads no --env-file, nor options from it', async () => {
  const injected = join(folder, 'injected.cjs')
  const variables = join(folder, 'variables.env')
  await writeFile(injected, "console.log('injected')")
  await writeFile(variables, `NODE_OPTIONS=--require=${injected}\n`)
  const path = await pathWith('arguments', process.execPath)
  for (const file of [variables, join(folder, 'missing.env')])
    assert.deepEqual(await start(path, '--env-file', file), { code: 0, output: 'started\n' })
})
