import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capture } from '../../src/components/postgres/capture/capture.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { clientConfig, connectClient } from '../parts/postgres-clients.ts'
import { openTarget } from '../parts/postgres-restore.ts'
import { sinkInto, sourceFrom } from '../parts/postgres-stored.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

/** A table that is read by ranges of its blocks while its rows move between blocks, and blocks come and go. */
const postgres = await startPostgres()
const context = testContext()
const ROWS = 60_000
const MANY_PARTS = { tableBytes: 1024 * 1024, laneBytes: 512 * 1024, most: 1000 }
const FEWEST_LANES = 20

/** Each round moves a tenth of the rows behind the last block, deletes as many, and puts as many in; the sum stays. */
async function churn(stopped: () => boolean): Promise<number> {
  const client = await connectClient(clientConfig(postgres.server, 'moving'))
  let rounds = 0
  for (; !stopped(); rounds++) {
    const part = rounds % 10
    await client.query(`update public.moving set body = body || 'x', version = version + 1 where id % 10 = ${part};
      begin; delete from public.moving where id % 10 = ${(part + 5) % 10} and id % 3 = 0;
      insert into public.moving select n, 0, repeat(md5(n::text), 8) from generate_series(1, ${ROWS}) n where n % 10 = ${(part + 5) % 10} and n % 3 = 0; commit`)
    if (rounds % 3 === 0) await client.query('vacuum public.moving')
  }
  await client.end()
  return rounds
}

test('a table cut by blocks that is written to all the time is captured as it was at one moment', async () => {
  await postgres.createDatabase('moving')
  await postgres.sql(
    'moving',
    `create table public.moving (id int primary key, version int not null, body text not null);
    insert into public.moving select n, 0, repeat(md5(n::text), 8) from generate_series(1, ${ROWS}) n`,
  )
  let stop = false
  let captures = 0
  const writing = churn(() => stop)
  const request = postgres.settings('moving')
  const points = []
  while (captures++ < 3) {
    const contents = new Map<string, Buffer>()
    const { details } = await capture(request, sinkInto(contents), context, MANY_PARTS)
    points.push({ details: postgresDriver.details.parse(JSON.parse(JSON.stringify(details))), contents })
  }
  stop = true
  const rounds = await writing
  assert.ok(rounds * 2 >= captures, `only ${rounds} rounds of writes`)
  for (const { details, contents } of points) {
    assert.ok(details.lanes.length > FEWEST_LANES, `${details.lanes.length} lanes`)
    assert.equal(details.fingerprint.tables[0]?.rows, String(ROWS))
    const target = await openTarget(request)
    await target.load(details, sourceFrom(contents), context)
    assert.deepEqual(await target.compare(details, context), [])
    await target.discard(context)
  }
})
