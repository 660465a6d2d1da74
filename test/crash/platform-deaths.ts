import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { dieAt, runDying, type DeathAt } from '../e2e/dying-command.ts'
import type { Ran } from '../e2e/holdfast.ts'
import type { EffectAt } from '../parts/dying-effects.ts'
import { must, unfinished } from './killed-lab.ts'

/** An app on a real platform, whose database has the table `keys` and whose writer never stops. */
export interface DyingLab {
  readonly folder: string
  run(...args: readonly string[]): Promise<Ran>
  sql(text: string): Promise<string>
  /** What runs in the database's container beside PostgreSQL. */
  strangers(): Promise<readonly string[]>
  /** Fails unless the writer and everything beside it is as it was before the first command. */
  assertAsRecorded(): Promise<void>
  /** What the database's server logged. */
  log(): Promise<string>
}

interface Guarded {
  readonly apps: readonly { readonly outcome: string; readonly settled?: { readonly how: string } }[]
}

const pauseShape = z.object({ planned: z.object({ until: z.iso.datetime() }) })

const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const LIMIT = { timeout: SOAK ? 7_200_000 : 900_000 }
const RESTORE = ['restore', '--yes', '--no-safety-point']
const RECORD = 'paused-portal.json'
const CONTENT = 'select count(*), md5(string_agg(secret, id::text order by id)) from keys'

/** Who dies at a lock has changed nothing else; `pause.test.ts` dies there. */
const isLock = ({ name }: EffectAt): boolean => /record lock-/.test(name)

/** It comes by time, so only a slow run has it, and it changes nothing that is live. */
const isBeat = ({ name }: EffectAt): boolean => /record beat-/.test(name)

/** What is dead after one effect is dead before the next, so once at each is enough for `npm test`. */
function deathsOf(effect: EffectAt): readonly DeathAt['death'][] {
  const { name } = effect
  if (isBeat(effect)) return []
  if (!SOAK) return isLock(effect) ? [] : ['after']
  const delays = /^(?:pause|resume) /.test(name) ? Array.from({ length: 18 }, (_, index) => index * 100) : [0, 3, 20]
  return ['before', ...delays, 'after']
}

/** Whoever dies at any effect of restore, pause and resume on the platform: `holdfast guard` alone brings back what was recorded. */
export function deathTests(lab: DyingLab): void {
  let captured = ''
  let made = 0

  const makeLiveDiffer = async (): Promise<string> => {
    await lab.sql(`update keys set secret = 'live ${(made += 1)}' where id <= 10`)
    return await lab.sql(CONTENT)
  }

  test('there is a point to restore', LIMIT, async () => {
    captured = await lab.sql(CONTENT)
    await must(lab.run('backup'))
  })

  /** Kills a command, lets the guardian look once, and asserts. Says whether the restored data is live. */
  async function killed(args: readonly string[], at: DeathAt, live: string): Promise<boolean> {
    await dieAt(lab.folder, args, at)
    const [app] = (JSON.parse((await must(lab.run('guard', '--json'))).out) as Guarded).apps
    assert.match(app?.outcome ?? '', /^(?:up|brought back)$/)
    const content = await lab.sql(CONTENT)
    assert.ok(content === live || content === captured, 'neither the old content nor the restored is live')
    if (app?.settled?.how === 'finish') assert.equal(content, captured)
    await assertNothingLeft(lab)
    return content === captured
  }

  const stagedBy = async (args: readonly string[], at: DeathAt): Promise<void> => {
    await dieAt(lab.folder, args, at)
    assert.equal((await unfinished(lab))?.stage, 'staged')
  }

  let staged: DeathAt
  let loading: readonly EffectAt[] = []
  let swapping: readonly EffectAt[] = []

  test('the effects of a restore are listed', LIMIT, async () => {
    await makeLiveDiffer()
    const { ran, effects } = await runDying(lab.folder, RESTORE)
    await must(Promise.resolve(ran))
    const first = effects.findIndex(({ name }) => name.startsWith('record paused-'))
    assert.ok(first > 0)
    // What is remembered of a repository is written by the first command that reads it.
    loading = effects.slice(0, first).filter(({ name }) => !name.startsWith('record repository-'))
    const saved = loading.findLast(({ name }) => name.startsWith('record restore-'))
    assert.ok(saved !== undefined)
    staged = { ...saved, death: 'after' }
    await makeLiveDiffer()
    await stagedBy(RESTORE, staged)
    const went = await runDying(lab.folder, ['restore', '--continue'])
    await must(Promise.resolve(went.ran))
    // How often sessions have to be ended is chance.
    swapping = went.effects.filter(({ name, occurrence }) => name !== 'sql pg_terminate_backend' || occurrence === 1)
    await assertNothingLeft(lab)
  })

  test('a restore that is killed while it loads leaves nothing', LIMIT, async (t) => {
    const live = await makeLiveDiffer()
    // What dies while it loads touches no platform; each third effect is enough for `npm test`.
    const some = SOAK ? loading : loading.filter((_, index) => index % 3 === 0)
    await everyDeath(t, some, async (at) => {
      assert.equal(await killed(RESTORE, at, live), false)
      if ((await unfinished(lab)) !== undefined) await must(lab.run('restore', '--abandon'))
    })
  })

  test(
    'a restore that is killed from its pause to its resume is brought up by the guardian alone',
    LIMIT,
    async (t) => {
      let live = await makeLiveDiffer()
      await everyDeath(t, swapping, async (at) => {
        if ((await unfinished(lab)) === undefined) await stagedBy(RESTORE, staged)
        if (!(await killed(['restore', '--continue'], at, live))) return
        assert.equal(await unfinished(lab), undefined)
        live = await makeLiveDiffer()
      })
      if ((await unfinished(lab)) !== undefined) await must(lab.run('restore', '--abandon'))
    },
  )

  test('a pause and a resume that are killed end when the time of the pause is over', LIMIT, async (t) => {
    const live = await makeLiveDiffer()
    const pause = ['pause', 'portal', '--yes', '--for', '2s']
    const { ran, effects } = await runDying(lab.folder, pause)
    await must(Promise.resolve(ran))
    const resumed = await runDying(lab.folder, ['resume', 'portal'])
    await must(Promise.resolve(resumed.ran))
    await everyDeath(t, effects, (at) => killedUntilOver(pause, at, live))
    await everyDeath(t, resumed.effects, async (at) => {
      await must(lab.run(...pause))
      await killedUntilOver(['resume', 'portal'], at, live)
    })
  })

  async function killedUntilOver(args: readonly string[], at: DeathAt, live: string): Promise<void> {
    await dieAt(lab.folder, args, at)
    await untilPauseIsOver(lab)
    await must(lab.run('guard'))
    assert.equal(await lab.sql(CONTENT), live)
    await assertNothingLeft(lab)
  }

  test('the server never took one of our processes for its own', LIMIT, async () => {
    const log = await lab.log()
    assert.match(log, /ready to accept connections/)
    assert.doesNotMatch(log, /terminated by signal|terminating any other|recovery/)
  })
}

async function everyDeath(
  t: TestContext,
  effects: readonly EffectAt[],
  dies: (at: DeathAt) => Promise<void>,
): Promise<void> {
  assert.ok(effects.length > 0, 'there are no effects')
  let deaths = 0
  for (const effect of effects)
    for (const death of deathsOf(effect)) {
      const at = { ...effect, death }
      const begun = performance.now()
      await dies(at).catch((cause: unknown) => {
        const said = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`${death} ${effect.name} (${effect.occurrence}): ${said}`, { cause })
      })
      deaths += 1
      t.diagnostic(`${death} ${effect.name} (${effect.occurrence}): ${Math.round(performance.now() - begun)} ms`)
    }
  t.diagnostic(`killed ${deaths} times at ${effects.length} effects`)
}

/** Who died before the record was written, or after it was removed, has paused nothing. */
async function untilPauseIsOver({ folder }: DyingLab): Promise<void> {
  const record = join(folder, 'state', RECORD)
  if (!existsSync(record)) return
  const { planned } = pauseShape.parse(JSON.parse(readFileSync(record, 'utf8')))
  await sleep(Math.max(0, Date.parse(planned.until) - Date.now()))
}

async function assertNothingLeft(lab: DyingLab): Promise<void> {
  await lab.assertAsRecorded()
  assert.ok(!existsSync(join(lab.folder, 'state', RECORD)), 'the record of the pause is left')
  const left = async (): Promise<readonly string[]> => [
    ...(await lab.strangers()),
    ...(await lab.sql(`select pid from pg_stat_activity where application_name like 'holdfast%'`))
      .split('\n')
      .filter(Boolean),
  ]
  let last = await left()
  // A relay ends up to two seconds after us. Each look starts two programs in the container.
  for (let looks = 0; looks < 16 && last.length > 0; looks += 1) {
    await sleep(500)
    last = await left()
  }
  assert.deepEqual(last, [], 'processes or sessions are left')
}
