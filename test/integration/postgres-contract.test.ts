import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import { driverContract } from '../../src/components/testing/contract.ts'
import { CAPTURED, type ContractSubject } from '../../src/components/testing/stage.ts'
import { startPostgres } from '../parts/postgres.ts'
import { sql } from '../parts/postgres-restore.ts'

const postgres = await startPostgres()
const DATABASES = `select datname::text as name from pg_database where datname ~ '^app' and datname <> 'app'`
const WEAK = `drop role if exists weak; create role weak login password 'w'`

/** Half of the deaths, all with HOLDFAST_SOAK=1: test/crash has those of whole restores. */
type Subject = ContractSubject<PostgresSettings, PostgresDetails>

/** Table jobs has the text too. Where it is preserved, a restore leaves it as it is live. */
async function makeDatabase(preserve: readonly string[]): Promise<Subject> {
  const settings = postgres.settings('app', { preserve })
  let jobs = ''
  const others = async (): Promise<readonly string[]> =>
    (await sql('postgres', DATABASES)).map(({ name }) => String(name))
  await postgres.dropDatabase('app')
  return {
    driver: postgresDriver,
    settings,
    async write(text) {
      const found = await sql('postgres', `select from pg_database where datname = 'app'`)
      if (found.length === 0) await postgres.createDatabase('app')
      await sql(
        'app',
        `create table if not exists texts (id int primary key, text text); create table if not exists same as select 1 as a;
        create table if not exists jobs (id serial primary key, text text);
        truncate texts, jobs; insert into texts values (1, '${text}'); insert into jobs (text) values ('${text}')`,
      )
      jobs = text
    },
    async read() {
      const found = await sql('postgres', `select from pg_database where datname = 'app'`)
      if (found.length === 0) return undefined
      const [row] = await sql('app', 'select t.text, j.text as job from texts t, jobs j')
      const [text, job] = [String(row?.['text']), String(row?.['job'])]
      return job === (preserve.length === 0 ? text : jobs) ? text : `${text}, with jobs of ${job}`
    },
    async remove() {
      await postgres.dropDatabase('app')
      jobs = CAPTURED
    },
    leftovers: others,
    async close() {
      for (const name of [...(await others()), 'app']) await postgres.dropDatabase(name)
    },
  }
}

const change = (text: string) => async (): Promise<void> => {
  await sql('app', text)
}

driverContract('postgres by swap, with a table that is preserved', () => makeDatabase(['public.jobs']), {
  modes: ['swap'],
  locks: true,
  dear: true,
  halved: true,
})

driverContract('postgres', () => makeDatabase([]), {
  modes: ['in-place', 'scratch'],
  locks: true,
  dear: true,
  halved: true,
  differences: {
    'a row is gone': change('delete from texts'),
    'a row more': change(`insert into texts values (2, 'more')`),
    'a table is gone': change('drop table same'),
    'a table without its key': change('alter table texts drop constraint texts_pkey'),
    'a column more': change('alter table same add b int'),
  },
  lacking: {
    'to read a table': async () => {
      await sql('app', WEAK)
      return { settings: postgres.settings('app', { user: 'weak', password: 'w' }), found: 'check', says: /texts/ }
    },
    'to make a database': async () => {
      await sql('app', WEAK)
      const settings = postgres.settings('app', { restoreUser: 'weak', restorePassword: 'w' })
      return { settings, found: 'preflight', says: /create.*database/i }
    },
  },
})
