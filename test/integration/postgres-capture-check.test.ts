import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { check } from '../../src/components/postgres/check/check.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { ArtifactSink } from '../../src/components/transfer.ts'
import { Failure } from '../../src/core/failure.ts'
import type { Finding } from '../../src/core/restore-point.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const nowhere: ArtifactSink = {
  async write(_role, _kind, content) {
    for await (const _chunk of content);
  },
}

await postgres.createDatabase('app')
await postgres.sql(
  'postgres',
  `create role app_owner; create role reader login password 'r'; create role restorer login password 's'; alter database app owner to app_owner; grant connect on database app to reader`,
)
await postgres.sql(
  'app',
  `set role app_owner; create table public.plain (n int); create table public.hidden (n int); insert into public.hidden values (1); alter table public.hidden enable row level security;
  create schema inner_schema; create table inner_schema.deep (n int); select lo_from_bytea(99, 'x'); create table public.jobs (n int)`,
)
const asReader = (over: Readonly<Record<string, unknown>> = {}): PostgresSettings =>
  postgres.settings('app', { user: 'reader', password: 'r', restoreUser: 'restorer', restorePassword: 's', ...over })

function find(findings: readonly Finding[], subject: RegExp): Finding {
  const found = findings.find((one) => subject.test(one.subject))
  assert.ok(found, `nothing about ${subject} in ${JSON.stringify(findings)}`)
  return found
}

/** `check` is right if it finds errors in reading exactly when a capture fails. */
async function capturable(): Promise<boolean> {
  return capture(asReader(), nowhere, context).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Failure && (error.kind === 'denied' || error.kind === 'toolFailed')) return false
      throw error
    },
  )
}

async function expectReading(wrong: readonly RegExp[]): Promise<void> {
  const findings = await check(asReader(), context)
  const errors = findings.filter(({ level, subject }) => level === 'error' && subject.startsWith('database app: '))
  assert.deepEqual(
    errors.map(({ subject }) => wrong.findIndex((one) => one.test(subject))),
    wrong.map((_, n) => n),
    JSON.stringify(errors),
  )
  assert.equal(await capturable(), wrong.length === 0)
}

test('each right that reading takes is missed until it is there', async () => {
  await expectReading([/schemas/, /tables and sequences/, /row-level security/, /large objects/])
  await postgres.sql('postgres', 'grant pg_read_all_data to reader')
  await expectReading([/row-level security/, /large objects/])
  await postgres.sql('postgres', 'alter role reader bypassrls')
  await expectReading([/large objects/])
  await postgres.sql('app', 'grant select on large object 99 to reader')
  await expectReading([])
})

test('what is missing is named', async () => {
  await postgres.sql('postgres', 'revoke pg_read_all_data from reader')
  const findings = await check(asReader(), context)
  assert.match(find(findings, /tables and sequences/).message, /inner_schema\.deep.*public\.hidden.*public\.plain/)
  assert.match(find(findings, /tables and sequences/).hint ?? '', /pg_read_all_data/)
  await postgres.sql('postgres', 'grant pg_read_all_data to reader')
})

test('the role that restores needs CREATEDB and the owner, and no more', async () => {
  const levels = async (): Promise<string[]> =>
    (await check(asReader(), context))
      .filter(({ subject }) => subject === 'restore user restorer')
      .map(({ level }) => level)
  assert.deepEqual(await levels(), ['error', 'error'])
  await postgres.sql('postgres', 'alter role restorer createdb; grant app_owner to restorer')
  assert.deepEqual(await levels(), ['ok'])
  await postgres.sql('postgres', 'alter role restorer superuser')
  assert.deepEqual(await levels(), ['warning'])
  await postgres.sql('postgres', 'alter role restorer nosuperuser')
})

test('preserved tables must exist and checks must run, without changing anything', async () => {
  const checks = [
    { name: 'right', sql: 'select count(*) from public.hidden', expect: 1 },
    { name: 'other', sql: 'select 2', expect: 1 },
    { name: 'broken', sql: 'select nothing from nowhere', expect: 1 },
    { name: 'writing', sql: 'insert into public.jobs values (1) returning n', expect: 1 },
  ]
  const findings = await check(
    postgres.settings('app', { preserve: ['public.jobs', 'public.none', 'not a name'], checks }),
    context,
  )
  const levels = (subject: RegExp): string[] =>
    findings.filter((one) => subject.test(one.subject)).map(({ level }) => level)
  assert.deepEqual(levels(/^preserved table/), ['ok', 'error', 'error'])
  assert.deepEqual(levels(/^check /), ['ok', 'warning', 'error', 'error'])
  assert.deepEqual(await postgres.sql('app', 'select * from public.jobs'), [])
})

test('a healthy database has no errors, and free space is said to be untested', async () => {
  const findings = await check(asReader(), context)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
  assert.equal(find(findings, /free space/).level, 'untested')
  assert.equal(find(findings, /^server version/).level, 'ok')
})

test('a server that cannot be reached, a wrong password and a missing folder of tools are findings', async () => {
  const message = async (over: Readonly<Record<string, unknown>>): Promise<string> => {
    const errors = (await check(asReader(over), context)).filter(({ level }) => level === 'error')
    return errors.map(({ message }) => message).join('\n')
  }
  assert.match(await message({ host: '/nowhere' }), /cannot be reached/)
  assert.match(await message({ password: 'wrong' }), /refused the login/)
  assert.match(await message({ toolsFolder: '/nowhere' }), /no pg_dump and pg_restore found in \/nowhere/)
})
