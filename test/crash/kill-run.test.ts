import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Ran, Started } from '../e2e/holdfast.ts'
import { startReadyLab } from '../e2e/lab.ts'
import { Chance } from '../parts/damages.ts'
import { must, unfinished } from './killed-lab.ts'

/**
 * Kills at any moment: the command with all that it started, or the database server under it. Afterwards the live data is that of
 * one moment, every point that is listed can be verified, and one of them restores.
 */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const KILLS = SOAK ? 200 : 8
const SEED = Number(process.env['HOLDFAST_SOAK_SEED'] ?? 20_261_130)
/** Longer than any of the commands takes here. */
const LATEST_KILL = 3_000
const SERVER_EVERY = 4
const LOCKED = 11
const REFUSED = 13

const lab = await startReadyLab({ app: { retention: { last: 3 } } })
const chance = new Chance(SEED)
let made = 0

const commands: readonly [string[], ...string[][]] = [
  ['backup', 'portal'],
  ['backup', 'portal'],
  ['restore', 'portal', '--yes'],
  ['restore', 'portal', '--yes', '--no-safety-point'],
  ['undo', 'portal', '--yes'],
  ['drill', 'portal'],
  ['verify', 'latest'],
  ['prune', 'portal'],
]

test(`${KILLS} kills: live data is of one moment, and what is listed is whole`, async (t) => {
  await changeLive()
  await must(lab.run('backup', 'portal'))
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const args = await chosen()
    const said = `seed ${SEED}, kill ${kill} of ${args.join(' ')}`
    await killed(args, kill % SERVER_EVERY === 0)
    await settled(said)
    await assertOneMoment(said)
    await assertListed(said, kill % 10 === 0)
  }
  t.diagnostic(`${made} states of the live data were made`)
  await changeLive()
  await must(lab.run('restore', 'portal', '--yes', '--no-safety-point'))
  await assertOneMoment('at the end')
})

async function chosen(): Promise<string[]> {
  const args = chance.pick(commands)
  if (args[0] === 'backup') await changeLive()
  return args[0] === 'prune' ? [...args, ...(await approval())] : args
}

const planned = z.object({ plans: z.array(z.object({ plan: z.object({ accept: z.array(z.string()) }) })) })

async function approval(): Promise<string[]> {
  const { plans } = planned.parse(await lab.json(['prune', 'portal', '--dry-run']))
  return plans.flatMap(({ plan }) => plan.accept.flatMap((id) => ['--accept', id]))
}

/** The database and the file are changed together, so that a mixture of two moments shows. */
async function changeLive(): Promise<void> {
  made += 1
  await lab.sql(`update job_history set what = 'moment ${made}'`)
  await writeFile(join(lab.files, 'master.key'), `moment ${made}`)
  await chmod(join(lab.files, 'master.key'), 0o600)
}

async function killed(args: readonly string[], isServer: boolean): Promise<Ran> {
  const started = lab.start(...args)
  const ended = Promise.race([sleep(chance.below(LATEST_KILL)), started.ended])
  await ended
  await (isServer ? killServer() : killProcess(started))
  return await started.ended
}

function killProcess(started: Started): void {
  try {
    started.kill('SIGKILL')
  } catch {
    // It was over before.
  }
}

async function killServer(): Promise<void> {
  const server = lab.postgres.process
  assert.ok(server !== undefined)
  process.kill(server.pid, 'SIGKILL')
  await server.kill()
  await server.restart()
}

/** What an operator does next: forward where it is said to be possible, else back. */
async function settled(said: string): Promise<void> {
  if ((await unfinished(lab)) === undefined) return
  const forward = await lab.run('restore', 'portal', '--continue')
  if (forward.code !== 0) await must(lab.run('restore', 'portal', '--abandon'))
  assert.ok([0, REFUSED].includes(forward.code), `${said}: --continue ends with ${forward.code}\n${forward.error}`)
  assert.equal(await unfinished(lab), undefined, said)
}

async function assertOneMoment(said: string): Promise<void> {
  const [row] = await lab.sql('select what from job_history')
  const file = await readFile(join(lab.files, 'master.key'), 'utf8')
  assert.equal(file, row?.['what'], `${said}: file and database are of two moments`)
}

const listed = z.object({
  points: z.array(z.object({ point: z.string(), failedProof: z.string().nullable() })),
})

async function assertListed(said: string, isEach: boolean): Promise<void> {
  const { points } = listed.parse(await lab.json(['points', 'portal']))
  assert.ok(points.length > 0, `${said}: no point is left`)
  for (const { failedProof } of points) assert.equal(failedProof, null, said)
  for (const { point } of isEach ? points : points.slice(-1)) {
    const ran = await lab.run('verify', point)
    assert.ok(ran.code === 0 || ran.code === LOCKED, `${said}: ${ran.code} ${ran.out} ${ran.error}`)
  }
}
