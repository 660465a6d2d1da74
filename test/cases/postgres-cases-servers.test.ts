import { test } from 'node:test'
import { startGerman } from '../parts/postgres-locale.ts'
import { providePostgresVersions } from '../parts/postgres-versions.ts'
import { startPrivate } from '../parts/postgres.ts'
import { openCasesLab } from './postgres-cases-lab.ts'
import { tryCase } from './try-case.ts'

/** Cases that need a server of another kind, each its own. */
await providePostgresVersions([17])
const hurried = await startPrivate({ fsync: 'off', transaction_timeout: '700ms' }, 17)
const german = await startGerman()

/** Its rows take longer than the server gives a transaction, however fast the machine. */
test('transaction-timeout', async () => {
  await tryCase(hurried, await openCasesLab(hurried), 'transaction-timeout', {
    sql: `set transaction_timeout = 0;
      create table t (n int, check (pg_sleep(0.01) is not null)); insert into t select generate_series(1, 150);`,
  })
})

test('setting-money', { skip: german === undefined && 'this machine has no sources of locales' }, async () => {
  if (german === undefined) return
  await tryCase(german, await openCasesLab(german), 'setting-money', {
    sql: [
      `alter database "setting-money" set lc_monetary = 'de_DE.UTF-8'`,
      `create table price (id int primary key, amount money);
      insert into price values (1, 1234.56::numeric::money), (2, 0.5::numeric::money);`,
    ],
  })
})
