import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { providePostgresVersions } from '../parts/postgres-versions.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'
import type { TestPostgres } from '../parts/postgres.ts'

const MAJORS = [14, 15] as const
await providePostgresVersions(MAJORS)
const context = testContext()
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const servers: TestPostgres[] = []
for (const major of MAJORS) {
  const postgres = await startPrivate({}, major)
  await postgres.sql('postgres', 'create role portal login; create role plain')
  servers.push(postgres)
}

const STATE = `select exists (select from pg_extension where extname = 'plpgsql') as plpgsql,
  (select pg_get_userbyid(nspowner)::text from pg_namespace where nspname = 'public') as owner,
  (select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'public') as comment`
const EVERYBODY = `select has_schema_privilege('plain', 'public', 'create') as create from pg_namespace where nspname = 'public'`

/** What people do to what every new database has. */
const CASES: readonly (readonly [name: string, sql: string])[] = [
  ['nothing', 'select 1'],
  ['no_plpgsql', 'drop extension plpgsql'],
  ['plpgsql_anew', 'drop extension plpgsql; create extension plpgsql'],
  ['no_public', 'drop schema public; create schema app; create table app.t (a int primary key)'],
  ['public_anew', 'drop schema public cascade; create schema public; create table public.t (a int primary key)'],
  [
    'public_given',
    'drop schema public; create schema public authorization portal; grant all on schema public to public',
  ],
  ['public_owner', `alter schema public owner to portal; comment on schema public is 'of the portal'`],
  ['public_silent', 'comment on schema public is null'],
  ['public_closed', 'revoke all on schema public from public'],
  ['public_open', 'grant create on schema public to public; alter schema public owner to postgres'],
]

for (const [name, text] of CASES)
  for (const [at, from] of servers.entries())
    // Elsewhere than in `npm run soak`: to the newer one.
    for (const to of servers.slice(SOAK ? at : -1))
      test(`${name}: ${from.process?.major} to ${to.process?.major}`, async () => {
        await from.createDatabase(name, 'template template0')
        await from.sql(name, text)
        const stored = await captureStored(from.settings(name), context)
        const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
        const target = await postgresDriver.open(to.settings(name), request, context)
        await target.load(stored.details, stored.source, context)
        const [before, after] = [await from.sql(name, STATE), await to.sql(`${name}__r_1a2b3c4d`, STATE)]
        // Until 14 client tools do not say who owns schema public and what it is for; the backup names it.
        if (from.process?.major !== 14) assert.deepEqual(after, before)
        else assert.equal(after[0]?.['owner'] === null, before[0]?.['owner'] === null)
        if (from === to)
          assert.deepEqual(await to.sql(`${name}__r_1a2b3c4d`, EVERYBODY), await from.sql(name, EVERYBODY))
        assert.deepEqual(await target.compare(stored.details, context, stored.source), [])
        await target.discard(context)
      })
