import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Context, Progress } from '../../src/core/ports.ts'
import { unfinishedJournal, type RestoreJournal } from '../../src/operations/restore/journal.ts'
import type { RestoreReport } from '../../src/operations/restore/report.ts'
import { canContinue } from '../../src/operations/restore/next-step.ts'
import { abandonRestore, resumeRestore } from '../../src/operations/restore/resume.ts'
import { pair } from '../../src/operations/testing/test-host.ts'
import { deaths } from '../parts/dying-effects.ts'
import { crashEverywhere, type Crash } from './matrix.ts'
import {
  appOf,
  BEFORE,
  besideKeys,
  CAPTURED,
  databases,
  freshWorld,
  key,
  POINT,
  restore,
  rows,
  sql,
  testHost,
} from './restore-swap.ts'

const SOAK = process.env['HOLDFAST_SOAK'] === '1'
/** Where lanes differ from one stream: the load, and what comes after it. */
const LOADS = /^pg_restore|rows-|ANALYZE|COMMIT reopen/

/** What the load takes away for a while and the end must give back. */
const PROPERTIES = { comment: 'of the operator', limit: 17 }

const journal = (): Promise<RestoreJournal | undefined> => unfinishedJournal('portal', testHost.context().records)

async function fresh(): Promise<void> {
  await freshWorld(true)
  await sql('postgres', `comment on database app is '${PROPERTIES.comment}'`)
  await sql('postgres', `alter database app connection limit ${PROPERTIES.limit}`)
}

/** Open to everybody as it was before, without a mark of Holdfast, and with nothing of the restore in the folder or beside. */
async function assertOpen(): Promise<void> {
  const [found] = await sql(
    'postgres',
    `select shobj_description(oid, 'pg_database') as comment, datconnlimit as limit from pg_database where datname = 'app'`,
  )
  assert.deepEqual({ ...found }, PROPERTIES)
  assert.deepEqual(await databases(), [{ name: 'app', open: true }])
  assert.deepEqual(await besideKeys(), ['keys'])
  assert.equal(await journal(), undefined)
}

async function assertCaptured(): Promise<void> {
  await assertOpen()
  assert.deepEqual({ ...(await rows()), key: await key() }, CAPTURED)
}

/** Each of the two is all old or all new. */
async function assertNotMixed(): Promise<void> {
  const found = await rows()
  assert.ok(
    [CAPTURED, BEFORE].some((one) => one.rows === found.rows && one.jobs === found.jobs),
    JSON.stringify(found),
  )
}

async function forward(cutOff: RestoreJournal): Promise<void> {
  const reader = await (await testHost.repository()).open(POINT, [pair], testHost.context())
  if (canContinue(cutOff)) {
    assert.equal((await resumeRestore(appOf(), reader, cutOff, testHost.context())).live, 'restored')
    return await assertCaptured()
  }
  await assert.rejects(
    resumeRestore(appOf(), reader, cutOff, testHost.context()),
    (error: Error & { hint?: string }) => {
      assert.match(error.hint ?? '', /--abandon/)
      if (cutOff.stage === 'loading') assert.match(error.hint ?? '', /safety point/)
      return true
    },
  )
  await giveUp(cutOff)
}

/** Says what may be wrong with what is open again, and only then. */
async function giveUp(cutOff: RestoreJournal): Promise<void> {
  const said: Progress[] = []
  const context: Context = { ...testHost.context(), progress: (event) => void said.push(event) }
  await abandonRestore(appOf(), cutOff, { ...testHost.context(), ...context })
  const warned = said.some((event) => event.type === 'warning' && /may be a mixture.*safety point/.test(event.message))
  if (cutOff.stage !== 'loading') assert.equal(warned, false, `stopped while ${cutOff.stage}`)
  else if (!warned) assert.deepEqual({ ...(await rows()), key: await key() }, BEFORE, 'something was changed, unsaid')
}

async function recover({ death, ended }: Crash<RestoreReport>, lanes: boolean): Promise<void> {
  const cutOff = await journal()
  if (cutOff !== undefined) await (death === 'before' ? forward(cutOff) : giveUp(cutOff))
  else if (ended !== 'dead') await assertTold(ended)
  await assertOpen()
  // With lanes a load is no transaction; without, the database is all of the old or all of the new.
  if (!lanes) await assertNotMixed()
  // Whatever is there now, a restore made again repairs it.
  assert.equal((await restore(undefined, 'in-place', 'abcdef02')).outcome, 'done')
  await assertCaptured()
}

/** What a run that went on after a lost answer said is so. */
async function assertTold(ended: Exclude<Crash<RestoreReport>['ended'], 'dead'>): Promise<void> {
  if (!('result' in ended)) return assert.match(String(ended.error), /answer to record .* was lost|cancelled/)
  const { outcome, live, failure } = ended.result
  if (outcome === 'done') return await assertCaptured()
  if (live === 'may be mixed') return assert.match(failure?.hint ?? '', /safety point/)
  assert.deepEqual({ ...(await rows()), key: await key() }, BEFORE)
}

export async function crashInPlace(t: TestContext, lanes: boolean): Promise<void> {
  await crashEverywhere<void, RestoreReport>(t, {
    fresh,
    ...(lanes ? { deathsAt: (effect) => (SOAK || LOADS.test(effect) ? deaths : []) } : { halvedFrom: 0 }),
    run: (_, effects) => restore(effects, 'in-place'),
    recover: (_, crash) => recover(crash, lanes),
  })
}
