import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captureInto, openTarget, RESTORE_ID } from '../parts/postgres-restore.ts'
import { plantedIn } from '../parts/postgres-planted.ts'
import { WORDINGS, wordings } from '../parts/postgres-wordings.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const MAJOR = 15

test('what is only worded otherwise after a load is equal; without a reference each is a difference', async () => {
  await postgres.createDatabase('worded', 'template template0')
  await postgres.sql('worded', wordings(MAJOR))
  const { details, source } = await captureInto(postgres.settings('worded'), context)
  const target = await openTarget(postgres.settings('worded'))
  await target.load(details, source, context)
  assert.deepEqual(
    (await target.compare(details, context)).map(({ subject }) => subject).toSorted(),
    WORDINGS.map(([subject]) => `definition of ${subject}`).toSorted(),
  )
  assert.deepEqual(await target.compare(details, context, source), [])
  await target.discard(context)
})

test('a defect of every kind of object is found, and nothing besides', async () => {
  const { make, all } = plantedIn(MAJOR, ['citext'])
  await postgres.createDatabase('planted', 'template template0')
  await postgres.sql('planted', make)
  const { details, source } = await captureInto(postgres.settings('planted'), context)
  const target = await openTarget(postgres.settings('planted'))
  await target.load(details, source, context)
  assert.deepEqual(await target.compare(details, context, source), [])
  const plants = ['set search_path = planted, pg_catalog', ...all.map(({ plant }) => plant)].join(';')
  await postgres.sql(`planted__r_${RESTORE_ID}`, plants)
  const found = await target.compare(details, context, source)
  assert.deepEqual(found.map(({ subject }) => subject).toSorted(), all.map(({ subject }) => subject).toSorted())
  await target.discard(context)
})
