import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantStatements, settingStatements } from './carry-over.ts'
import { settingValue } from '../../connection/setting-value.ts'

test('a list of names is given as one literal each, any other value as one', () => {
  assert.equal(
    settingValue('search_path', `"$user", public, "odd, ""name""", it's`),
    `'$user', 'public', 'odd, "name"', 'it''s'`,
  )
  assert.equal(settingValue('search_path', '""'), `''`)
  assert.equal(settingValue('search_path', ''), `''`)
  assert.equal(settingValue('DateStyle', 'ISO, MDY'), `'ISO, MDY'`)
  assert.equal(settingValue('app.motto', 'a=b, c'), `'a=b, c'`)
})

test('only settings that differ are changed', () => {
  const now = {
    settings: [
      { name: 'work_mem', value: '4MB' },
      { name: 'gone', value: '1' },
    ],
    roleSettings: [{ role: 'r', name: 'x', value: '1' }],
  }
  const wanted = {
    settings: [{ name: 'work_mem', value: '8MB' }],
    roleSettings: [
      { role: 'r', name: 'x', value: '1' },
      { role: 'r"', name: 'app.y', value: '2' },
    ],
  }
  assert.deepEqual(settingStatements('d', now, wanted), [
    'alter database "d" reset "gone"',
    `alter database "d" set "work_mem" to '8MB'`,
    `alter role "r""" in database "d" set "app.y" to '2'`,
  ])
  assert.deepEqual(settingStatements('d', wanted, wanted), [])
})

test('grants are set anew when one differs, whatever their order', () => {
  const one = { grantee: null, privilege: 'CONNECT', grantable: false }
  const two = { grantee: 'a"b', privilege: 'CREATE', grantable: true }
  assert.deepEqual(grantStatements('d', [one, two], [two, one]), [])
  assert.deepEqual(grantStatements('d', [one], [two]), [
    'revoke all on database "d" from public cascade',
    'grant CREATE on database "d" to "a""b" with grant option',
  ])
  assert.notDeepEqual(grantStatements('d', [two], [{ ...two, grantable: false }]), [])
})
