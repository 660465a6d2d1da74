import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { findServerBinaries } from '../../src/components/postgres/tools/tools.ts'
import { sampleSchema } from '../parts/sample-schema.ts'
import { roundTrip } from '../parts/postgres-round-trip.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const postgres = await startPrivate()
const execute = promisify(execFile)

/** pgbench comes with the server. */
async function pgbench(...args: readonly string[]): Promise<void> {
  const { folder } = await findServerBinaries(testContext(), postgres.process?.major)
  const { host, port, user } = postgres.server
  const login = ['-h', host, '-p', String(port), '-U', user]
  const env = { PGPASSWORD: (await passwordOf(postgres.server)) ?? '' }
  await execute(join(folder, 'pgbench'), [...login, ...args], { env })
}

for (const [shape, ...options] of [
  ['plain tables, used', '--foreign-keys'],
  ['range partitions', '--foreign-keys', '--partitions=5'],
  ['hash partitions', '--partitions=4', '--partition-method=hash'],
] as const) {
  test(`what pgbench makes: ${shape}`, async () => {
    await postgres.createDatabase('pgbench', 'template template0')
    await pgbench('--initialize', '--quiet', '--scale=2', ...options, 'pgbench')
    await pgbench('--client=2', '--transactions=200', 'pgbench')
    const { details } = await roundTrip(postgres, 'pgbench')
    assert.equal(details.fingerprint.tables.find(({ name }) => name === 'public.pgbench_history')?.rows, '400')
  })
}

test('a shop that rents films, its payments partitioned at two levels', async () => {
  await postgres.createDatabase('rental', 'template template0')
  await postgres.sql('rental', `set search_path = public; ${sampleSchema(20_000)}`)
  const { details } = await roundTrip(postgres, 'rental')
  assert.equal(details.fingerprint.tables.find(({ name }) => name === 'public.payment_rest')?.rows, '8200')
})
