import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const context = testContext()
const DATABASE = 'told'
const SECRET = 'correct-horse'
const postgres = await startPrivate()
await postgres.createDatabase(DATABASE, 'template template0')
await postgres.sql(
  DATABASE,
  `create table public.orders (id int primary key, note text, state varchar(9) check (state in ('new', 'old')));
   create table public.lines (id int); insert into public.lines values (1), (2);
   create extension postgres_fdw schema public; create server there foreign data wrapper postgres_fdw;
   create user mapping for current_user server there options (password 'first')`,
)
const { details, source } = await captureStored(postgres.settings(DATABASE), context)

test('a changed definition is shown as text, in its wording on the server, and rows as numbers', async () => {
  const request = { mode: 'swap', restoreId: '1a2b3c4d' } as const
  const target = await postgresDriver.open(postgres.settings(DATABASE), request, context)
  await target.load(details, source, context)
  await postgres.sql(
    `${DATABASE}__r_1a2b3c4d`,
    `alter table public.orders alter note set default 'none'; update public.lines set id = 7 where id = 1;
     alter user mapping for current_user server there options (set password '${SECRET}')`,
  )
  const found = await target.compare(details, context, source)
  await target.discard(context)
  const table = found.find(({ subject }) => subject === 'definition of TABLE public orders')
  assert.deepEqual(
    table?.diff?.filter((line) => /^[-+]/.test(line)),
    ['-    "note" "text",', `+    "note" "text" DEFAULT 'none'::"text",`],
  )
  const rows = found.find(({ subject }) => subject === 'content of public.lines')
  assert.deepEqual([rows?.expected, rows?.found], ['2 rows, as captured', '2 rows, not the same'])
  assert.match(JSON.stringify(found), /USER MAPPING .*not shown: its options may hold a password/)
  assert.ok(!JSON.stringify(found).includes(SECRET))
  assert.doesNotMatch(JSON.stringify(found), /[0-9a-f]{64}/)
})
