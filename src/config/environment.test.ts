import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isFailure } from '../core/failure.ts'
import { defaultStateFolder } from './environment.ts'
import { findConfig } from './find-config.ts'

test('state is where the XDG base directories say', () => {
  assert.equal(
    defaultStateFolder({ variables: { XDG_STATE_HOME: '/x', HOME: '/home/ada' }, userId: 1000 }),
    '/x/holdfast',
  )
  assert.equal(
    defaultStateFolder({ variables: { XDG_STATE_HOME: 'x', HOME: '/home/ada' }, userId: 1000 }),
    '/home/ada/.local/state/holdfast',
  )
  assert.equal(
    defaultStateFolder({ variables: { XDG_STATE_HOME: '/x', HOME: '/root' }, userId: 0 }),
    '/var/lib/holdfast',
  )
  assert.throws(
    () => defaultStateFolder({ variables: {}, userId: undefined }),
    (error) => isFailure(error, 'usage'),
  )
})

let folder: string
let searched: readonly string[]
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-find-'))
  searched = [join(folder, 'here.yaml'), join(folder, 'file/under', 'etc.yaml'), join(folder, 'etc.yaml')]
  await writeFile(join(folder, 'file'), '')
})
after(() => rm(folder, { recursive: true }))

const none = { variables: {}, userId: 1000 }

test('the option goes before the variable, and the variable before the usual places', async () => {
  await writeFile(join(folder, 'etc.yaml'), '')
  const set = { ...none, variables: { HOLDFAST_CONFIG: '/variable.yaml' } }
  assert.equal(await findConfig('/option.yaml', set, searched), '/option.yaml')
  assert.equal(await findConfig(undefined, set, searched), '/variable.yaml')
  assert.equal(await findConfig(undefined, none, searched), join(folder, 'etc.yaml'))
  await writeFile(join(folder, 'here.yaml'), '')
  assert.equal(await findConfig(undefined, none, searched), join(folder, 'here.yaml'))
})

test('a file that is there and cannot be read is not passed over', async () => {
  await mkdir(join(folder, 'loops'))
  const loop = join(folder, 'loops', 'holdfast.yaml')
  await symlink(loop, loop)
  assert.equal(await findConfig(undefined, none, [loop, ...searched]), loop)
})

test('an empty path and no file at all are said', async () => {
  await assert.rejects(findConfig('', none, searched), (error) => isFailure(error, 'usage'))
  const missing = join(folder, 'missing.yaml')
  await assert.rejects(
    findConfig(undefined, none, [missing]),
    (error) => isFailure(error, 'usage') && error.message.includes(missing),
  )
})
