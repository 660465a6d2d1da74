import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { runQuietly } from '../../scripts/run.ts'

const root = join(import.meta.dirname, '..', '..')
const entry = z.object({
  integrity: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})
const lockFile = z.object({ packages: z.record(z.string(), entry) })

test('the lock file has every package that another names, with its hash, also those of other platforms', async () => {
  const { packages } = lockFile.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')))
  const there = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)))
  const named = Object.values(packages).flatMap((one) =>
    Object.keys({ ...one.dependencies, ...one.optionalDependencies }),
  )
  assert.deepEqual([...new Set(named.filter((name) => !there.has(name)))], [])
  const unhashed = Object.entries(packages).filter(([path, one]) => path !== '' && one.integrity === undefined)
  assert.deepEqual(
    unhashed.map(([path]) => path),
    [],
  )
})

test('npm ci takes package.json and the lock file', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lock-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['package.json', 'package-lock.json']) await cp(join(root, name), join(folder, name))
  const { code, output } = await runQuietly('npm', ['--prefix', folder, 'ci', '--dry-run', '--ignore-scripts'])
  assert.equal(code, 0, output)
})
