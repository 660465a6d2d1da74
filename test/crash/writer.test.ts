import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, type ClientConfig } from 'pg'
import { checkAcknowledged, checkSwap, startWriter, type WriterReport } from '../../scripts/demo/writer.ts'
import { Secret } from '../../src/core/secret.ts'
import { killAt, must, startBackedUpLab } from './killed-lab.ts'

/** A real application that writes all the time, and remembers what the server told it is committed. */
const LEDGER = `create schema idp; create table idp.request_ledger (id uuid primary key, writer text not null, written_at timestamptz not null default clock_timestamp())`

const lab = await startBackedUpLab(LEDGER)

function connection(database: string): ClientConfig {
  const { host, port, user, password } = lab.postgres.server
  return { host, port, user, database, ...(password instanceof Secret ? { password: password.reveal() } : {}) }
}

async function whileWriting(act: () => Promise<void>): Promise<WriterReport> {
  const writer = await startWriter(connection('portal'))
  try {
    await act()
    const count = writer.count()
    // The application must get through again by itself.
    for (let look = 0; look < 200 && writer.count() === count; look += 1)
      await new Promise((resolve) => setTimeout(resolve, 25))
    assert.ok(writer.count() > count, 'the writer is locked out')
  } catch (error) {
    await writer.stop()
    throw error
  }
  return await writer.stop()
}

async function withClients(
  databases: readonly string[],
  act: (clients: readonly Client[]) => Promise<void>,
): Promise<void> {
  const clients = databases.map((database) => new Client(connection(database)))
  try {
    for (const client of clients) await client.connect()
    await act(clients)
  } finally {
    for (const client of clients) await client.end()
  }
}

async function previousDatabase(): Promise<string> {
  const [row] = await lab.postgres.sql(
    'postgres',
    `select datname as name from pg_database where datname like 'portal\\_\\_prev\\_%'`,
  )
  const name = String(row?.['name'])
  await lab.postgres.sql('postgres', `alter database ${name} allow_connections true`)
  return name
}

async function assertNothingLost({ acknowledged }: WriterReport): Promise<void> {
  const name = await previousDatabase()
  await withClients([name, 'portal'], async ([previous, live]) => {
    assert.ok(previous !== undefined && live !== undefined)
    const found = await checkSwap({ previous, live }, acknowledged)
    assert.deepEqual([found.lost, found.behindFence], [[], []])
    assert.ok(
      found.beforeSwap > 0 && found.afterSwap > 0,
      `${found.beforeSwap} before and ${found.afterSwap} after the swap`,
    )
  })
  await lab.postgres.dropDatabase(name)
}

test('a restore by swap loses no acknowledged write', { timeout: 120_000 }, async () => {
  const report = await whileWriting(
    async () => void (await must(lab.run('restore', 'portal', '--yes', '--no-safety-point'))),
  )
  await assertNothingLost(report)
})

for (const stage of ['fencing', 'swapping'] as const) {
  test(
    `a restore that is killed while ${stage} and resumed loses no acknowledged write`,
    { timeout: 120_000 },
    async (t) => {
      const report = await whileWriting(async () => {
        t.diagnostic(`killed while ${await killAt(lab, stage)}`)
        await must(lab.run('restore', 'portal', '--continue'))
      })
      await assertNothingLost(report)
    },
  )

  test(
    `a restore that is killed while ${stage} and abandoned loses no acknowledged write`,
    { timeout: 120_000 },
    async (t) => {
      const report = await whileWriting(async () => {
        t.diagnostic(`killed while ${await killAt(lab, stage)}`)
        await must(lab.run('restore', 'portal', '--abandon'))
      })
      assert.ok(report.acknowledged.length > 0)
      await withClients(['portal'], async ([live]) => {
        assert.ok(live !== undefined)
        assert.deepEqual(
          await checkAcknowledged(
            live,
            report.acknowledged.map(({ id }) => id),
          ),
          [],
        )
      })
    },
  )
}
