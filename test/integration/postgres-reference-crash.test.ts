import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresDriver } from '../../src/components/postgres/driver.ts'
import { dyingEffects, recordingEffects } from '../parts/dying-effects.ts'
import { captureInto, openTarget, RESTORE_ID } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const settings = postgres.settings('worded')
const REFERENCE = `worded__ref_${RESTORE_ID}`
const SIDE = `worded__r_${RESTORE_ID}`

await postgres.createDatabase('worded', 'template template0')
await postgres.sql('worded', `create table public.t (a int, state varchar check (state in ('a', 'b')))`)
const { details, source } = await captureInto(settings, context)
const loaded = await openTarget(settings)
await loaded.load(details, source, context)

async function besides(): Promise<string[]> {
  const sql = `select datname::text as name from pg_database where datname like 'worded\\_\\_r%' order by 1`
  return (await postgres.sql('postgres', sql)).map(({ name }) => String(name))
}

test('whoever dies while it is compared leaves nothing that the next does not remove', async () => {
  const recording = recordingEffects()
  assert.deepEqual(await loaded.compare(details, { ...context, effects: recording }, source), [])
  assert.deepEqual(await besides(), [SIDE])
  assert.ok(recording.seen.some(({ name }) => name === 'sql CREATE DATABASE reference'))
  for (const at of recording.seen)
    for (const death of ['before', 'after'] as const) {
      const effects = dyingEffects(at, death)
      await loaded.compare(details, { ...context, effects }, source).catch(() => {})
      assert.ok(effects.reached(), at.name)
      const left = await besides()
      const again = await openTarget(settings)
      assert.deepEqual(await again.compare(details, context, source), [], `${death} ${at.name}, left ${left.join()}`)
      assert.deepEqual(await besides(), [SIDE])
    }
})

test('what was left is listed for prune, and removed when the restore is discarded', async () => {
  const at = { name: 'sql DROP DATABASE reference', occurrence: 1 }
  await loaded.compare(details, { ...context, effects: dyingEffects(at, 'before') }, source)
  assert.deepEqual(await besides(), [SIDE, REFERENCE].toSorted())
  const found = (await postgresDriver.listStaged?.(settings, context)) ?? []
  assert.deepEqual(found.map(({ restoreId, description }) => `${restoreId} ${description}`).toSorted(), [
    `${RESTORE_ID} reference database ${REFERENCE}`,
    `${RESTORE_ID} side database ${SIDE}`,
  ])
  await (await openTarget(settings)).discard(context)
  assert.deepEqual(await besides(), [])
})

test('a comparison that is cancelled drops the reference', async () => {
  await loaded.load(details, source, context)
  const cancelling = new AbortController()
  const effects = {
    run: async <Result>(name: string, act: () => Promise<Result>): Promise<Result> => {
      if (name === 'pg_restore') cancelling.abort()
      return act()
    },
  }
  const cancelled = { ...context, effects, signal: cancelling.signal }
  await assert.rejects(loaded.compare(details, cancelled, source))
  assert.deepEqual(await besides(), [SIDE])
  await loaded.discard(context)
})

test('a database of this name that somebody else marked is not touched', async () => {
  await loaded.load(details, source, context)
  await postgres.sql('postgres', `create database "${REFERENCE}"; `)
  await postgres.sql('postgres', `comment on database "${REFERENCE}" is 'mine'`)
  await assert.rejects(loaded.compare(details, context, source), { kind: 'refused' })
  assert.deepEqual(await besides(), [SIDE, REFERENCE].toSorted())
  await postgres.dropDatabase(REFERENCE)
  await loaded.discard(context)
})
