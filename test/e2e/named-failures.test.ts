import assert from 'node:assert/strict'
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backUp, expectFailure } from './expect.ts'
import { forkLab, startReadyLab } from './lab.ts'

/** Failures that must say which of several things they are about. */
const lab = await startReadyLab()
const folders = [join(lab.folder, 'repository'), join(lab.folder, 'second')]
await lab.edit((config) => {
  config.repositories['second'] = { ...config.repositories['main'], url: `file://${folders[1]}` }
  config.apps['portal']!.repositories.push('second')
})
assert.equal((await lab.run('init')).code, 0)
const point = await backUp(lab)

test('a backup that no repository takes names them, and no component', async () => {
  const away = await forkLab(lab)
  for (const name of ['repository', 'second']) await rename(join(away.folder, name), join(away.folder, `${name}.away`))
  const { message } = await expectFailure(away, ['backup'], {
    code: 10,
    kind: 'notFound',
    message: /no repository could take the restore point: main: .*; second: /,
    hint: /./,
  })
  assert.doesNotMatch(message, /component/)
})

test('a flipped bit in the manifest names the manifest; another repository has the point', async () => {
  const damaged = await forkLab(lab)
  const file = join(damaged.folder, 'repository', 'data', point, 'manifest')
  await chmod(file, 0o600)
  const bytes = await readFile(file)
  bytes[200]! ^= 1
  await writeFile(file, bytes)
  const named = new RegExp(`restore point ${point}: the manifest \\(data/${point}/manifest\\)`)
  for (const args of [
    ['verify', point],
    ['drill', '--at', point],
  ]) {
    const ran = await damaged.run(...args, '--repository', 'main', '--json')
    assert.equal(ran.code, 30, ran.out)
    assert.match(ran.out, named)
  }
  await expectFailure(damaged, ['restore', '--at', point, '--yes', '--repository', 'main'], {
    code: 30,
    kind: 'corrupt',
    message: named,
    hint: /./,
  })
  const { plan } = await damaged.json<{ plan: { repository: string } }>([
    'restore',
    '--at',
    point,
    '--repository',
    'second',
    '--dry-run',
  ])
  assert.equal(plan.repository, 'second')
  assert.equal((await damaged.run('verify', point, '--repository', 'second')).code, 0)
  await expectFailure(damaged, ['restore', '--repository', 'third', '--dry-run'], {
    code: 2,
    kind: 'usage',
    message: /no repository "third"/,
    hint: /main, second/,
  })
})
