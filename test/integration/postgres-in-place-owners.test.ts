import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import type { Finding } from '../../src/core/restore-point.ts'
import { captureInto, openTarget } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** `lodger` may create in the schema of `host` because that was granted, `former` may no more. */
const postgres = await startPostgres()
const context = testContext()

await postgres.createDatabase('guests')
await postgres.sql(
  'guests',
  `create role host; create role lodger; create role former; create role restorer login createdb password 'r' in role host, lodger, former;
  alter database guests owner to host; grant pg_signal_backend to restorer; set role host; create schema house; grant usage, create on schema house to lodger, former;
  create table house.own (n int); insert into house.own values (1);
  set role lodger; create table house.lent (n int); insert into house.lent values (1);
  set role former; create table house.old (n int); insert into house.old values (1); reset role; revoke all on schema house from former`,
)
const asSuperuser = postgres.settings('guests')
const asRestorer = postgres.settings('guests', { restoreUser: 'restorer', restorePassword: 'r' })
const captured = await captureInto(asSuperuser, context)

async function errors(settings: PostgresSettings, mode: 'swap' | 'in-place'): Promise<readonly Finding[]> {
  const findings = await (await openTarget(settings, mode)).preflight(captured.details, context)
  return findings.filter(({ level }) => level === 'error')
}

/** Name, owner and content of each. */
async function tables(): Promise<unknown[]> {
  const of = (name: string): string =>
    `select c.relname || ' ' || pg_get_userbyid(c.relowner) || ' ' || t.n as it from pg_class c, house.${name} t where c.oid = 'house.${name}'::regclass`
  return (await postgres.sql('guests', ['lent', 'old', 'own'].map(of).join(' union all '))).map(({ it }) => it)
}

test('in place, who is no superuser is told of each guest, and that a swap can do it', async () => {
  const found = await errors(asRestorer, 'in-place')
  assert.deepEqual(
    found.map(({ subject, message, hint }) => `${subject}: ${message} ${hint}`),
    ['former', 'lodger'].map(
      (role) =>
        `role restorer: cannot restore in place what ${role} owns in schema house, where it may create only by a grant: that takes a superuser Restore with swap.`,
    ),
  )
  assert.deepEqual(await errors(asRestorer, 'swap'), [])
  assert.deepEqual(await errors(asSuperuser, 'in-place'), [])
})

test('the preflight is right: in place it fails and changes nothing, and by swap it does not fail', async () => {
  await postgres.sql('guests', 'update house.own set n = 5; update house.lent set n = 7')
  const before = await tables()
  const target = await openTarget(asRestorer, 'in-place')
  await target.fence(context)
  await assert.rejects(target.load(captured.details, captured.source, context), /permission denied|must be/)
  await target.reopen(context)
  assert.deepEqual(await tables(), before)
  const beside = await openTarget(asRestorer, 'swap')
  await beside.load(captured.details, captured.source, context)
  assert.deepEqual(await beside.compare(captured.details, context), [])
  await beside.discard(context)
})

test('a superuser restores them in place, with their owners', async () => {
  const target = await openTarget(asSuperuser, 'in-place')
  await target.fence(context)
  await target.load(captured.details, captured.source, context)
  await target.reopen(context)
  assert.deepEqual(await target.compare(captured.details, context), [])
  assert.deepEqual(await tables(), ['lent lodger 1', 'old former 1', 'own host 1'])
})
