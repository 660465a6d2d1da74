import assert from 'node:assert/strict'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Context } from '../core/ports.ts'
import { systemClock } from '../system/clock.ts'
import { directEffects } from '../system/effects.ts'
import { makeTemporaryFolder } from '../system/files/temporary-folder.ts'
import { drivers } from './all.ts'

const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}

function relation(kind: string, one: object, other: object): Promise<string> {
  const driver = drivers.find((candidate) => candidate.kind === kind)
  assert.ok(driver?.destination)
  const parsed = (settings: object): unknown => driver.settings.parse({ kind, ...settings })
  return driver.destination.relation(parsed(one), parsed(other), context)
}

const bao = { address: 'https://a:8200', token: 'env:T' }
const objects = { namespace: 'portal', secrets: ['app'] }
const row = { user: 'u', database: 'portal' }

const KNOWN: readonly (readonly [string, object, object, string])[] = [
  ['postgres', row, row, 'same'],
  ['postgres', row, { ...row, database: 'copy' }, 'apart'],
  ['openbao', bao, bao, 'same'],
  ['openbao', bao, { ...bao, namespace: 'team' }, 'overlapping'],
  ['openbao', { ...bao, namespace: 'team' }, { ...bao, namespace: 'team/' }, 'same'],
  ['openbao', { ...bao, namespace: 'team' }, { ...bao, namespace: 'team2' }, 'apart'],
  ['openbao', { ...bao, mounts: ['one'] }, { ...bao, mounts: ['two'], namespace: 'team' }, 'apart'],
  ['kubernetes-secrets', objects, objects, 'same'],
  ['kubernetes-secrets', objects, { ...objects, namespace: 'copy' }, 'apart'],
  // The contexts may be of one cluster.
  ['kubernetes-secrets', objects, { ...objects, restoreContext: 'other' }, 'overlapping'],
]

test('a place is the same by its settings, and apart only where that is certain', async () => {
  for (const [kind, one, other, expected] of KNOWN)
    for (const [a, b] of [
      [one, other],
      [other, one],
    ] as const)
      assert.equal(await relation(kind, a, b), expected, JSON.stringify([kind, a, b]))
})

test('where nobody answers, nobody says that two servers are two', async () => {
  const nowhere = { ...row, host: '/nowhere' }
  await assert.rejects(relation('postgres', row, nowhere), { kind: 'refused', message: /nobody can tell/ })
  const dead = { ...bao, address: 'http://127.0.0.1:1', retrySeconds: 1 }
  await assert.rejects(relation('openbao', dead, { ...dead, address: 'http://localhost:1' }), { kind: 'refused' })
})

test('folders and files are compared by what they are', async (t) => {
  const root = await makeTemporaryFolder()
  t.after(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'app', 'data'), { recursive: true })
  await symlink(join(root, 'app'), join(root, 'link'))
  const files = (path: string): object => ({ path: join(root, path) })
  const secret = (file: string, restoreFolder?: string): object => ({
    secrets: { key: { file: join(root, file) } },
    ...(restoreFolder === undefined ? {} : { restoreFolder: join(root, restoreFolder) }),
  })
  const known: readonly (readonly [string, object, object, string])[] = [
    ['files', files('app'), files('app'), 'same'],
    ['files', files('app'), files('link'), 'overlapping'],
    ['files', files('app/data'), files('link/data/new/deep'), 'overlapping'],
    // Neither is there, as after a loss.
    ['files', files('app/gone'), files('link/gone/deep'), 'overlapping'],
    ['files', files('app'), files('app2'), 'apart'],
    ['secrets', secret('app/key', 'copy'), secret('app/key'), 'apart'],
    ['secrets', secret('app/key', 'link'), secret('app/key'), 'overlapping'],
    ['secrets', secret('app/key', 'copy'), secret('app/key', 'copy'), 'same'],
  ]
  for (const [kind, one, other, expected] of known)
    assert.equal(await relation(kind, one, other), expected, JSON.stringify([one, other]))
})

test('only settings that name a place may differ, and no secret is taken by its value', () => {
  for (const { kind, destination } of drivers) {
    assert.ok(destination, kind)
    for (const setting of ['kind', 'checks', 'keepPreviousHours', 'preserve'])
      assert.equal(destination.settings.safeParse({ [setting]: 'x' }).success, false, `${kind} ${setting}`)
    for (const setting of ['password', 'restorePassword', 'restoreToken'])
      assert.equal(destination.settings.safeParse({ [setting]: 'hunter2' }).success, false, `${kind} ${setting}`)
  }
})
