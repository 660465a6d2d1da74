import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()

/** A port that counts who comes, and closes the door. */
let contacts = 0
const elsewhere = createServer((socket) => {
  contacts += 1
  socket.on('error', () => {})
  socket.destroy()
})
await new Promise<void>((resolve) => void elsewhere.listen(0, '127.0.0.1', resolve))
after(() => void elsewhere.close())
// It listens on the loopback, so it has an address with a port.
const { port } = elsewhere.address() as AddressInfo

const FOREIGN = `create extension postgres_fdw;
  create server s foreign data wrapper postgres_fdw options (host '127.0.0.1', port '${port}', dbname 'x');
  create user mapping for public server s options (user 'x');`

test('a foreign partition, and a function that an index cannot find, do not fail a restore, and no other server is asked', async () => {
  await postgres.createDatabase('foreign-partition', 'template template0')
  await postgres.sql(
    'foreign-partition',
    `set search_path = public; ${FOREIGN}
     create table p (k int, v text) partition by range (k);
     create table p1 partition of p for values from (0) to (10);
     create foreign table p2 partition of p for values from (10) to (20) server s;
     create table q partition of p for values from (20) to (40) partition by range (k);
     create table q1 partition of q for values from (20) to (30);
     create foreign table f (a int) server s;
     create materialized view never as select * from f with no data;
     insert into p values (1, 'a'), (21, 'b');
     create function inner_one(int) returns int language sql immutable as 'select $1';
     create function outer_one(int) returns int language plpgsql immutable as 'begin return inner_one($1); end';
     create table breaks (a int); insert into breaks select n from generate_series(1, 100) n;
     create statistics counted on a, (outer_one(a)) from breaks;
     create table plain (a int); insert into plain select n from generate_series(1, 100) n`,
  )
  const warnings: string[] = []
  const context = testContext({
    progress: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  })
  const settings = postgres.settings('foreign-partition', { rowCheckSeconds: 0 })
  const { details, source } = await captureStored(settings, context)
  contacts = 0
  const target = await openTarget(settings)
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  const analyzed = await postgres.sql(
    'foreign-partition__r_1a2b3c4d',
    `select relname from pg_class where reltuples >= 0 and relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1`,
  )
  await target.discard(context)
  assert.deepEqual(
    analyzed.map(({ relname }) => relname),
    ['p1', 'plain', 'q', 'q1'],
  )
  assert.equal(contacts, 0)
  assert.deepEqual(
    warnings.filter((message) => message.includes('ANALYZE')).map((message) => message.split(':')[0]),
    ['ANALYZE public.breaks'],
  )
})

test('a filled view over a foreign table asks nobody while it is restored', async () => {
  await postgres.createDatabase('fdw-matview', 'template template0')
  const { host } = postgres.server
  await postgres.sql(
    'fdw-matview',
    `set search_path = public; create extension postgres_fdw;
     create server away foreign data wrapper postgres_fdw options (host '${host}', port '${postgres.server.port}', dbname 'postgres');
     create user mapping for public server away options (user 'postgres', password_required 'false', password '${(await passwordOf(postgres.server)) ?? ''}');
     create foreign table rates (datname name) server away options (schema_name 'pg_catalog', table_name 'pg_database');
     create materialized view cached as select datname from rates;
     create table t (a int primary key); insert into t values (1);
     alter server away options (set host '127.0.0.1', set port '${port}')`,
  )
  const settings = postgres.settings('fdw-matview', { rowCheckSeconds: 0 })
  contacts = 0
  const { details, source } = await captureStored(settings, testContext())
  const target = await openTarget(settings)
  // Whether it is left unfilled or the restore ends is not asked here.
  await target.load(details, source, testContext()).catch(() => {})
  await target.discard(testContext())
  assert.equal(contacts, 0)
})
