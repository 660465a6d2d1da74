import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { startServer } from '../../src/components/postgres/private-server/server-process.ts'
import { Failure } from '../../src/core/failure.ts'
import { Secret } from '../../src/core/secret.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const { server } = await startPostgres()
const folder = await makeTemporaryFolder()
// PostgreSQL does not run as root, and whom it runs as must be able to enter.
await chmod(folder, 0o711)
after(() => rm(folder, { recursive: true, force: true }))

test('a private server keeps committed rows through stop, crash and a second start on its folder', async () => {
  const context = testContext()
  // The long name with a comma cannot be a socket's folder.
  const options = { folder: join(folder, `long,${'x'.repeat(100)}`), context }
  const server = await startServer(options)
  const count = (): Promise<unknown> =>
    withSession(server.server, 'postgres', context, async (client) => {
      await client.query('create table if not exists public.acknowledged (n int)')
      await client.query('insert into public.acknowledged values (1)')
      return (await client.query<{ n: number }>('select count(*)::int as n from public.acknowledged')).rows[0]?.n
    })
  try {
    assert.equal(await count(), 1)
    const { pid } = server
    await server.kill()
    await server.restart()
    assert.notEqual(server.pid, pid)
    assert.equal(await count(), 2)
    await server.restart()
    assert.equal(await count(), 3)
  } finally {
    await server.stop()
  }
  const again = await startServer(options)
  await again.stop()
  await again.stop()
  assert.equal(existsSync(again.server.host), false)
})

test('a folder for temporary files that is too deep for a socket is no obstacle', async (t) => {
  const deep = join(folder, 'd'.repeat(60), 'e'.repeat(60))
  await mkdir(deep, { recursive: true })
  await chmod(join(folder, 'd'.repeat(60)), 0o711)
  await chmod(deep, 0o711)
  const before = process.env['TMPDIR']
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  process.env['TMPDIR'] = deep
  const context = testContext()
  const deepServer = await startServer({ folder: await makeTemporaryFolder(), context })
  try {
    await withSession(deepServer.server, 'postgres', context, (client) => client.query('select 1'))
  } finally {
    await deepServer.stop()
  }
  assert.equal(existsSync(deepServer.server.host), false)
})

test('a wrong password is refused', async () => {
  const wrong = { ...server, password: new Secret('wrong') }
  await assert.rejects(
    withSession(wrong, 'postgres', testContext(), async () => {}),
    (error) => error instanceof Failure && error.kind === 'denied',
  )
})

test('without a password none of our environment is tried', async () => {
  assert.ok(server.password instanceof Secret)
  process.env['PGPASSWORD'] = server.password.reveal()
  const attempt = withSession({ ...server, password: undefined }, 'postgres', testContext(), async () => {})
  await assert
    .rejects(attempt, (error) => error instanceof Failure && error.kind === 'denied')
    .finally(() => delete process.env['PGPASSWORD'])
})

test('a server that cannot start says why', async () => {
  const options = { folder: join(folder, 'bad'), context: testContext(), settings: { shared_buffers: 'many' } }
  await assert.rejects(startServer(options), /invalid value for parameter "shared_buffers"/)
})
