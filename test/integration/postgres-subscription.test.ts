import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { passwordOf } from '../../src/components/postgres/connection/connection.ts'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import type { RestoreTarget } from '../../src/components/target.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { compareDumpTexts } from '../parts/postgres-dump-text.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { startPrivate, testContext } from '../parts/postgres.ts'

const publisher = await startPrivate()
const subscriber = await startPrivate()
const context = testContext()
const RESTORE_ID = '1a2b3c4d'
const PREVIOUS = `app__prev_${RESTORE_ID}`
const SLOT = 'feed_slot'
const SETTINGS = subscriber.settings('app')

function open(mode: 'swap' | 'in-place'): Promise<RestoreTarget<PostgresDetails>> {
  return postgresDriver.open(SETTINGS, { mode, restoreId: RESTORE_ID }, context)
}

/** A table that is copied to the subscriber, with one row. */
async function prepare(): Promise<void> {
  await publisher.createDatabase('source')
  await publisher.sql('source', 'create table public.t (n int primary key); create publication out for table public.t')
  await publish(1)
  const { host, port, user } = publisher.server
  const connection = `host=${host} port=${port} user=${user} password=${(await passwordOf(publisher.server)) ?? ''} dbname=source`
  await subscriber.createDatabase('app')
  await subscriber.sql('app', 'create table public.t (n int primary key)')
  await subscriber.sql(
    'app',
    `create subscription "my feed" connection '${connection}' publication out with (slot_name = '${SLOT}')`,
  )
  await arrived([1])
}

async function publish(n: number): Promise<void> {
  await publisher.sql('source', `insert into public.t values (${n})`)
}

async function rows(database = 'app'): Promise<unknown[]> {
  return (await subscriber.sql(database, 'select n from public.t order by 1')).map(({ n }) => n)
}

async function arrived(expected: readonly number[]): Promise<void> {
  for (let left = 300; JSON.stringify(await rows()) !== JSON.stringify(expected); left--) {
    assert.ok(left > 0, `${JSON.stringify(await rows())} and not ${JSON.stringify(expected)}`)
    await sleep(100)
  }
}

async function slots(): Promise<unknown[]> {
  return (await publisher.sql('source', 'select slot_name from pg_replication_slots')).map((row) => row['slot_name'])
}

async function drop(database: string): Promise<void> {
  for (const act of ['disable', 'set (slot_name = none)'])
    await subscriber.sql(database, `alter subscription "my feed" ${act}`)
  await subscriber.sql(database, 'drop subscription "my feed"')
}

test('a subscription comes back by swap, disabled, and goes on when it is enabled as the plan says', async () => {
  await prepare()
  const { details, source, notCaptured } = await captureStored(SETTINGS, context)
  assert.match(notCaptured.join('\n'), /Subscriptions come back disabled.*: my feed \(slot feed_slot\)\./)
  await publish(2)
  await arrived([1, 2])
  const target = await open('swap')
  const findings = await target.preflight(details, context)
  const live = findings.find(({ message }) => message.startsWith('subscription my feed (slot feed_slot) stays'))
  assert.equal(live?.level, 'warning')
  const restored = findings.find(({ subject }) => subject === 'SUBSCRIPTION my feed')
  assert.match(restored?.message ?? '', /restored disabled; slot feed_slot on its publisher/)

  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context), [])
  const version = Number(subscriber.process?.version)
  const withoutLast = 'delete from public.t where n = 2'
  await subscriber.sql('app', withoutLast)
  assert.deepEqual(await compareDumpTexts(subscriber.server, version, 'app', `app__r_${RESTORE_ID}`), [])
  await subscriber.sql('app', 'insert into public.t values (2)')
  await target.fence(context)
  await target.swap(details, context)
  await target.reopen(context)

  assert.deepEqual(
    await subscriber.sql(
      'app',
      'select subname, subenabled, subslotname from pg_subscription s join pg_database d on d.oid = s.subdbid where datname = current_database()',
    ),
    [{ subname: 'my feed', subenabled: false, subslotname: SLOT }],
  )
  assert.deepEqual([await rows(), await slots()], [[1], [SLOT]])
  await publish(3)
  for (const [statement] of (restored?.hint ?? '').matchAll(/ALTER SUBSCRIPTION .*?(?=, then|\. )/g))
    await subscriber.sql('app', statement)
  // What was sent between the backup and the swap is not sent again, as the plan says.
  await arrived([1, 3])

  await assert.rejects(target.forget(context), { kind: 'refused', message: /"my feed"/, hint: /slot_name = NONE/ })
  await subscriber.sql('postgres', `alter database ${PREVIOUS} allow_connections true`)
  await drop(PREVIOUS)
  await target.forget(context)
  assert.deepEqual(await slots(), [SLOT])
  await publish(4)
  await arrived([1, 3, 4])
  await drop('app')
  await publisher.sql('source', `select pg_drop_replication_slot('${SLOT}')`)
})

test('what was loaded beside goes again with its subscription, and the slot of the live one stays', async () => {
  await prepare()
  const { details, source } = await captureStored(SETTINGS, context)
  const target = await open('swap')
  await target.load(details, source, context)
  // Anew, as after a run that died.
  await target.load(details, source, context)
  await subscriber.sql('postgres', `alter database app__r_${RESTORE_ID} allow_connections false`)
  await target.discard(context)
  assert.equal(await target.state(context), 'untouched')
  assert.deepEqual(await slots(), [SLOT])
  await publish(2)
  await arrived([1, 2])
})

test('an undo brings the subscription back with what was published meanwhile', async () => {
  const { details, source } = await captureStored(SETTINGS, context)
  const target = await open('swap')
  await target.load(details, source, context)
  await target.fence(context)
  await target.swap(details, context)
  await target.reopen(context)
  await publish(5)
  await target.undo(context)
  await arrived([1, 2, 5])
  await assert.rejects(target.forget(context), { kind: 'refused', message: /"my feed"/ })
  await subscriber.sql('postgres', `alter database app__undone_${RESTORE_ID} allow_connections true`)
  await drop(`app__undone_${RESTORE_ID}`)
  await target.forget(context)
})

test('a drill restores the subscription, and neither takes from its publisher nor touches the slot', async () => {
  const { details, source } = await captureStored(SETTINGS, context)
  await withTemporaryFolder(async (scratchFolder) => {
    const request = { mode: 'scratch', restoreId: RESTORE_ID, scratchFolder } as const
    const drill = await postgresDriver.open(SETTINGS, request, context)
    await drill.load(details, source, context)
    assert.deepEqual(await drill.compare(details, context), [])
    await publish(6)
    await arrived([1, 2, 5, 6])
    await drill.discard(context)
  })
  assert.deepEqual(await slots(), [SLOT])
})

test('in place, a subscription with a slot is refused before, and one without is replaced', async () => {
  const { details, source } = await captureStored(SETTINGS, context)
  const target = await open('in-place')
  const errors = async (): Promise<string[]> => {
    const findings = await target.preflight(details, context)
    return findings
      .filter(({ level, message }) => level === 'error' && !message.startsWith('serves'))
      .map(({ message, hint }) => `${message} ${hint}`)
  }
  const [refused] = await errors()
  assert.match(refused ?? '', /subscription my feed: .* slot feed_slot on the publisher .*SET \(slot_name = NONE\)/)
  for (const act of ['disable', 'set (slot_name = none)'])
    await subscriber.sql('app', `alter subscription "my feed" ${act}`)
  assert.deepEqual(await errors(), [])
  await target.fence(context)
  await target.load(details, source, context)
  await target.reopen(context)
  assert.deepEqual(await target.compare(details, context), [])
  assert.deepEqual(await slots(), [SLOT])
  await drop('app')
  await publisher.sql('source', `select pg_drop_replication_slot('${SLOT}')`)
})
