import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Target } from '../../src/components/target.ts'
import type { PostgresDetails } from '../../src/components/postgres/schema.ts'
import { isFailure } from '../../src/core/failure.ts'
import type { Effects } from '../../src/core/ports.ts'
import { deadEffects, Died, dyingEffects, recordingEffects, type EffectAt } from '../parts/dying-effects.ts'
import { captureInto, openTarget, RESTORE_ID, restoreWhole, sql } from '../parts/postgres-restore.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'

const postgres = await startPostgres()
const context = testContext()
const settings = postgres.settings('app', { preserve: ['public.jobs'] })
const NAMES = `select datname as name, datallowconn as open from pg_database where datname like 'app%' order by 1`

await postgres.createDatabase('app')
await sql(
  'app',
  `create table content as select 'captured' as what; create table jobs (id serial primary key, what text); insert into jobs (what) values ('captured')`,
)
const captured = await captureInto(settings, context)

/** A live database that differs from what was captured, and nothing else. */
async function freshWorld(): Promise<void> {
  for (const { name } of await sql('postgres', NAMES)) await postgres.dropDatabase(String(name))
  await postgres.createDatabase('app', 'template live_copy')
}

await sql('app', `update content set what = 'live'; insert into jobs (what) values ('live')`)
await sql('postgres', 'alter database app rename to live_copy')

type Act = (target: Target<PostgresDetails>, effects: Effects) => Promise<void>

/** The effects of an act that nothing interrupts. */
async function effectsOf(act: Act): Promise<readonly EffectAt[]> {
  const recording = recordingEffects()
  await act(await openTarget(settings), recording)
  return recording.seen
}

/** Dies at this effect of the act. */
async function die(at: EffectAt, death: 'before' | 'after', act: Act): Promise<void> {
  const effects = dyingEffects(at, death)
  const target = await openTarget(settings)
  await assert.rejects(act(target, effects), Died, `${at.name} was not reached`)
  assert.ok(effects.reached())
  // The process is gone and its sessions with it.
  await target.reopen({ ...context, effects: deadEffects }).catch(() => {})
}

const whole: Act = (target, effects) => restoreWhole(target, captured, { ...context, effects })

/** What a later run does to finish, going by nothing but the state. */
async function forward(target: Target<PostgresDetails>): Promise<void> {
  const state = await target.state(context)
  if (state !== 'swapped') {
    if (state !== 'fenced') await target.load(captured.details, captured.source, context)
    await target.fence(context)
    await swapOrLoadAgain(target)
  }
  await target.reopen(context)
}

async function swapOrLoadAgain(target: Target<PostgresDetails>): Promise<void> {
  try {
    await target.swap(captured.details, context)
  } catch (error) {
    if (!isFailure(error, 'refused')) throw error
    await target.load(captured.details, captured.source, context)
    await target.swap(captured.details, context)
  }
}

/** What a later run does to give up. */
async function back(target: Target<PostgresDetails>): Promise<void> {
  if ((await target.state(context)) === 'swapped') {
    await target.undo(context)
    await target.forget(context)
  }
  await target.discard(context)
  await target.reopen(context)
}

async function content(): Promise<unknown> {
  return sql('app', `select what, (select string_agg(j.what, ' ' order by id) from jobs j) as jobs from content`)
}

async function assertOneLive(where: string): Promise<void> {
  const live = (await sql('postgres', NAMES)).filter(({ name }) => name === 'app')
  assert.equal(live.length, 1, `no live database ${where}`)
}

test(
  'a run that dies at any effect leaves the old database or the new one live, and can be finished or given up',
  { timeout: 600_000 },
  async (t) => {
    await freshWorld()
    const effects = await effectsOf(whole)
    t.diagnostic(effects.map(({ name }) => name).join(', '))
    assert.ok(effects.length > 20, String(effects.length))
    for (const effect of effects) {
      // The world after one effect is the world before the next: between them both ways out are taken from each.
      for (const when of ['before', 'after'] as const) {
        const where = `${when} ${effect.name} (${effect.occurrence})`
        await freshWorld()
        await die(effect, when, whole)
        await assertOneLive(where)
        const target = await openTarget(settings)
        if (when === 'before') {
          await forward(target)
          assert.deepEqual(await content(), [{ what: 'captured', jobs: 'captured live' }], where)
          assert.deepEqual(
            await sql('postgres', NAMES),
            [
              { name: 'app', open: true },
              { name: `app__prev_${RESTORE_ID}`, open: false },
            ],
            where,
          )
        } else {
          await back(target)
          assert.deepEqual(await content(), [{ what: 'live', jobs: 'captured live' }], where)
          assert.deepEqual(await sql('postgres', NAMES), [{ name: 'app', open: true }], where)
        }
      }
    }
  },
)

test('an undo that dies at any effect can be made again', { timeout: 300_000 }, async () => {
  const undo: Act = async (target, effects) => target.undo({ ...context, effects })
  await freshWorld()
  await restoreWhole(await openTarget(settings), captured, context)
  await sql('postgres', `alter database app rename to new_copy`)
  const marker = await sql(
    'postgres',
    `select shobj_description(oid, 'pg_database') as comment from pg_database where datname like 'app%prev%'`,
  )
  const swapped = async (): Promise<void> => {
    await freshWorld()
    await sql('postgres', `alter database app rename to "app__prev_${RESTORE_ID}"`)
    await sql('postgres', `comment on database "app__prev_${RESTORE_ID}" is '${String(marker[0]?.['comment'])}'`)
    await sql('postgres', `alter database "app__prev_${RESTORE_ID}" allow_connections false`)
    await postgres.createDatabase('app', 'template new_copy')
  }
  await swapped()
  const effects = await effectsOf(undo)
  for (const effect of effects) {
    for (const when of ['before', 'after'] as const) {
      await swapped()
      await die(effect, when, undo)
      await assertOneLive(`${when} ${effect.name}`)
      const target = await openTarget(settings)
      await target.undo(context)
      assert.deepEqual(await content(), [{ what: 'live', jobs: 'captured live' }], `${when} ${effect.name}`)
      assert.deepEqual(await sql('postgres', NAMES), [
        { name: 'app', open: true },
        { name: `app__undone_${RESTORE_ID}`, open: false },
      ])
    }
  }
  assert.ok(effects.some(({ name }) => name === 'sql COMMIT undo'))
})
