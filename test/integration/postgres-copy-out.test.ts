import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'node:test'
import { Client } from 'pg'
import { connect, passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { copyOut } from '../../src/components/postgres/capture/copy-out.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const options = { idleLimit: 60_000, subject: 'rows' }
const ROWS = 'copy (select n, repeat(md5(n::text), n % 40) from generate_series(1, 60000) n) to stdout'

async function hashOf(content: AsyncIterable<Uint8Array>, pause = 0): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of content) {
    hash.update(chunk)
    size += chunk.length
    if (pause > 0) await wait(pause)
  }
  return { size, sha256: hash.digest('hex') }
}

/** What the rows are by another way: the server's own hash of the same text. */
async function expected(): Promise<{ size: number; sha256: string }> {
  const [row] = await postgres.sql(
    'postgres',
    `select length(t)::int as size, encode(sha256(convert_to(t, 'UTF8')), 'hex') as sha256
      from (select string_agg(n || E'\t' || repeat(md5(n::text), n % 40) || E'\n', '' order by n) as t from generate_series(1, 60000) n) all_rows`,
  )
  return row as { size: number; sha256: string }
}

test('all of a COPY comes out, at the pace of the reader, and the session can be used again', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  assert.deepEqual(await hashOf(copyOut(session, ROWS, options)), await expected())
  assert.deepEqual(await hashOf(copyOut(session, ROWS, options), 10), await expected())
  assert.equal((await session.query('select 1 as one')).rows[0].one, 1)
  await session.end()
})

test("a connection of the driver's own kind gives the same", async () => {
  const { host, port, user } = postgres.server
  const session = new Client({
    host,
    port,
    user,
    password: (await passwordOf(postgres.server)) ?? '',
    database: 'postgres',
  })
  await session.connect()
  assert.deepEqual(await hashOf(copyOut(session, ROWS, options)), await expected())
  await session.end()
})

test('nothing is as good as something: no row at all', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  assert.equal((await hashOf(copyOut(session, 'copy (select 1 where false) to stdout', options))).size, 0)
  await session.end()
})

test("an error after many rows is the server's, and the session can be used again", async () => {
  const session = await connect(postgres.server, 'postgres', context)
  const failing = "copy (select n, repeat('x', 100), 1 / (50000 - n) from generate_series(1, 60000) n) to stdout"
  await assert.rejects(hashOf(copyOut(session, failing, options)), { code: '22012' })
  assert.equal((await session.query('select 1 as one')).rows[0].one, 1)
  await session.end()
})

test('a statement that cannot begin fails', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  await assert.rejects(hashOf(copyOut(session, 'copy nothing to stdout', options)), { code: '42P01' })
  await session.end()
})

test('a reader that leaves early ends the session', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  for await (const chunk of copyOut(session, ROWS, options)) if (chunk.length > 0) break
  await assert.rejects(session.query('select 1'))
})

test('a server that is silent for too long is a failure that names what was read', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  const silent = copyOut(session, 'copy (select pg_sleep(20)) to stdout', {
    idleLimit: 200,
    subject: 'rows of public.t',
  })
  await assert.rejects(hashOf(silent), { kind: 'toolFailed', message: /public\.t was silent/ })
})

test('a slow reader is no silent server', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  const size = 8 * 1024 * 1024
  const rows = `copy (select repeat('x', 1023) from generate_series(1, ${size / 1024})) to stdout`
  assert.equal((await hashOf(copyOut(session, rows, { idleLimit: 150, subject: 'rows' }), 200)).size, size)
  await session.end()
})

test('a session that ends in the middle fails', async () => {
  const session = await connect(postgres.server, 'postgres', context)
  const ended = async (): Promise<void> => {
    for await (const chunk of copyOut(session, ROWS, options)) {
      if (chunk.length === 0) continue
      await postgres.sql(
        'postgres',
        "select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy (select n%'",
      )
    }
  }
  await assert.rejects(ended())
})
