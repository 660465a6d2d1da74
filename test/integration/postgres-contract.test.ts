import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { PostgresDetails, PostgresSettings } from '../../src/components/postgres/schema.ts'
import { driverContract } from '../../src/components/testing/contract.ts'
import type { ContractSubject } from '../../src/components/testing/stage.ts'
import { startPostgres } from '../parts/postgres.ts'
import { sql } from '../parts/postgres-restore.ts'

const postgres = await startPostgres()
const DATABASES = `select datname::text as name from pg_database where datname ~ '^app' and datname <> 'app'`
const WEAK = `drop role if exists weak; create role weak login password 'w'`

type Subject = ContractSubject<PostgresSettings, PostgresDetails>

async function makeDatabase(): Promise<Subject> {
  const settings = postgres.settings('app')
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
        truncate texts; insert into texts values (1, '${text}')`,
      )
    },
    async read() {
      const found = await sql('postgres', `select from pg_database where datname = 'app'`)
      if (found.length === 0) return undefined
      return String((await sql('app', 'select text from texts'))[0]?.['text'])
    },
    remove: () => postgres.dropDatabase('app'),
    leftovers: others,
    async close() {
      for (const name of [...(await others()), 'app']) await postgres.dropDatabase(name)
    },
  }
}

const change = (text: string) => async (): Promise<void> => {
  await sql('app', text)
}

driverContract('postgres', makeDatabase, {
  modes: ['swap', 'in-place', 'scratch'],
  locks: true,
  oneWay: true,
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
