import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startPrivate } from '../parts/postgres.ts'
import { differenceOf, dumpOf, load } from './dump-of.ts'

const postgres = await startPrivate()
const folder = await mkdtemp(join(tmpdir(), 'zoo-dump-'))
after(() => rm(folder, { recursive: true, force: true }))
await postgres.createDatabase('one', 'template template0')
await postgres.sql(
  'one',
  `set search_path = public; create table t (n int primary key, kind varchar(9) check (kind in ('bird', 'fish')));
  create index birds on t (n) where kind in ('bird'); insert into t values (1, 'bird'), (2, 'fish')`,
)
const one = await dumpOf(postgres, 'one', folder)

test('what PostgreSQL words anew when it loads it is equal', async () => {
  await load(postgres, one.file, 'other', 'C.UTF-8')
  const other = await dumpOf(postgres, 'other', folder)
  assert.notDeepEqual(other.lines, one.lines)
  assert.deepEqual(await differenceOf(postgres, one, other), [])
})

for (const defect of [
  'update public.t set n = 3 where n = 2',
  `alter table public.t drop constraint t_kind_check, add constraint t_kind_check check (kind in ('bird', 'fish', 'cat'))`,
  'alter table public.t alter n set default 1',
  'drop index public.birds',
]) {
  test(`found: ${defect}`, async () => {
    await load(postgres, one.file, 'other', 'C.UTF-8')
    await postgres.sql('other', defect)
    assert.notDeepEqual(await differenceOf(postgres, one, await dumpOf(postgres, 'other', folder)), [])
  })
}
