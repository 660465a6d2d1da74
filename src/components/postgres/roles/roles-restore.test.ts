import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStatement, membershipStatements } from './roles-restore.ts'
import type { CapturedRole } from '../schema.ts'

const role: CapturedRole = {
  name: `odd "role"`,
  attributes: {
    login: true,
    inherit: false,
    createDatabase: true,
    createRole: false,
    superuser: true,
    replication: true,
    bypassRowSecurity: true,
    connectionLimit: 3,
    validUntil: '2027-01-01 00:00:00+00',
  },
  memberOf: [
    { role: 'staff', adminOption: true, inheritOption: false, setOption: true },
    { role: 'pg_monitor', adminOption: false },
  ],
  settings: [],
}

test('a role is made with what it had, but never with a password or powers over the server', () => {
  const sql = createStatement(role)
  assert.equal(
    sql,
    `create role "odd ""role""" LOGIN NOINHERIT CREATEDB NOCREATEROLE CONNECTION LIMIT 3 VALID UNTIL '2027-01-01 00:00:00+00'`,
  )
  assert.doesNotMatch(sql, /SUPERUSER|REPLICATION|BYPASSRLS|PASSWORD/)
})

test('memberships keep their options, as far as the server knows them', () => {
  assert.deepEqual(membershipStatements(role, 150_018), [
    `grant "staff" to "odd ""role""" with admin option`,
    `grant "pg_monitor" to "odd ""role"""`,
  ])
  assert.deepEqual(membershipStatements(role, 160_010), [
    `grant "staff" to "odd ""role""" with admin true, inherit false, set true`,
    `grant "pg_monitor" to "odd ""role""" with admin false`,
  ])
})
