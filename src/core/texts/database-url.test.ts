import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDatabaseUrl } from './database-url.ts'

function told(text: string): unknown {
  const { password, ...rest } = parseDatabaseUrl(text) ?? {}
  return { ...rest, ...(password === undefined ? {} : { password: password.reveal() }) }
}

test('a URL gives what it says, and nothing that it does not', () => {
  assert.deepEqual(told('postgres://certctl:p%40ss%2F@db:6432/certctl?sslmode=disable'), {
    host: 'db',
    port: 6432,
    user: 'certctl',
    database: 'certctl',
    password: 'p@ss/',
  })
  assert.deepEqual(told('postgresql+asyncpg://a@h/d?sslmode=verify-ca'), {
    host: 'h',
    user: 'a',
    database: 'd',
    tls: 'verify-full',
  })
  assert.deepEqual(told('postgresql://a:b@/d?host=/run/postgresql'), {
    host: '/run/postgresql',
    user: 'a',
    database: 'd',
    password: 'b',
  })
  assert.deepEqual(told('postgres://u:p@[::1]:5433/d'), {
    host: '::1',
    port: 5433,
    user: 'u',
    database: 'd',
    password: 'p',
  })
})

test('what is no such URL is none', () => {
  for (const text of ['', 'mysql://a:b@h/d', 'host=h dbname=d', 'postgres://a:b%zz@h/d', 'postgres://h:port/d'])
    assert.equal(parseDatabaseUrl(text), undefined, text)
})
