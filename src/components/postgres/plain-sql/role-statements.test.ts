import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRoleStatement } from './role-statements.ts'

const parse = (text: string): unknown =>
  parseRoleStatement({
    type: 'statement',
    offset: 0,
    text: Buffer.from(text),
    words: [],
    encoding: 'UTF8',
    copies: false,
  })

test('attributes are taken, and neither passwords nor what makes a superuser', () => {
  const text = `ALTER ROLE "we""ird é" WITH SUPERUSER INHERIT NOCREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS CONNECTION LIMIT 3 PASSWORD 'login; ''superuser' VALID UNTIL '2030-01-01';`
  assert.deepEqual(parse(text), {
    type: 'role',
    name: 'we"ird é',
    attributes: ['inherit', 'nocreaterole', 'createdb', 'login', 'connection limit 3', `valid until '2030-01-01'`],
  })
  assert.deepEqual(parse('CREATE ROLE Alice;'), { type: 'role', name: 'alice', attributes: [] })
})

test('memberships keep their options, and not who granted them', () => {
  assert.deepEqual(parse('GRANT a TO "B" WITH ADMIN OPTION, INHERIT FALSE, SET TRUE GRANTED BY postgres;'), {
    type: 'member',
    role: 'a',
    member: 'B',
    options: 'admin option, inherit false, set true',
  })
  assert.equal(parse('GRANT SELECT ON TABLE t TO b;'), undefined)
  assert.equal(parse('GRANT ALL ON SCHEMA public TO b;'), undefined)
})

test('settings are quoted anew', () => {
  assert.deepEqual(parse(`ALTER ROLE a IN DATABASE "D b" SET search_path TO 'x', public;`), {
    type: 'setting',
    name: 'a',
    database: 'D b',
    clause: `set "search_path" to 'x', 'public'`,
  })
  assert.deepEqual(parse(`ALTER ROLE a SET app.name TO E'it\\'s';`), {
    type: 'setting',
    name: 'a',
    database: undefined,
    clause: `set "app"."name" to 'it''s'`,
  })
})

test('of passwords only what a server keeps is taken, and it does not print', () => {
  const verifier = 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5'
  const found = parse(`ALTER ROLE a WITH LOGIN PASSWORD '${verifier}';`)
  assert.ok(!JSON.stringify(found).includes('SCRAM') && JSON.stringify(found).includes('[secret]'))
  for (const password of ["'plain'", 'null', "'md5short'"])
    assert.deepEqual(parse(`CREATE ROLE a PASSWORD ${password};`), { type: 'role', name: 'a', attributes: [] })
})
