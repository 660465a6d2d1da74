import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import type { Ran } from '../e2e/holdfast.ts'
import { Chance, damages } from '../parts/damages.ts'
import { isWhole, readAll, startDamageLab } from './damage-lab.ts'

/**
 * One damage to one file of a repository, and then what an operator does. Whatever it is: no command calls a damaged point good,
 * other points stay readable, and no prune leaves the app without a point that restores.
 */
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const TRIALS = SOAK ? 1_000 : 40
/** Every so many trials go on to drill, prune and restore. */
const WHOLE = 10
const SEED = Number(process.env['HOLDFAST_SOAK_SEED'] ?? 20_261_130)
const DEFECT = 70
const WRONG_KEY = 12

const lab = await startDamageLab()
const chance = new Chance(SEED)
const names = [...lab.files.keys()].sort() as [string, ...string[]]

const summary = z.object({ point: z.string(), failedProof: z.string().nullable() })
const listed = z.object({ points: z.array(summary), damaged: z.array(z.object({ point: z.string() })) })
const drilledPoint = z.object({ report: z.object({ point: z.string() }) })
const planned = z.object({
  plans: z.array(z.object({ plan: z.object({ hash: z.string(), removals: z.array(z.string()) }) })),
})

interface Trial {
  readonly name: string
  readonly damage: string
  /** Of the point that the file belongs to; undefined where it belongs to all or none. */
  readonly point: string | undefined
}

test(`${TRIALS} damages: none is called good, none spreads, and no prune takes the last point that restores`, async () => {
  const faults: string[] = []
  let tried = 0
  for (let attempt = 0; tried < TRIALS && attempt < TRIALS * 3; attempt += 1) {
    const trial = await damageOne()
    if (trial === undefined) continue
    tried += 1
    const found = await faultsOf(trial, tried % WHOLE === 0)
    if (found.length > 0) faults.push(`${trial.name}: ${trial.damage}\n    ${found.join('\n    ')}`)
  }
  assert.equal(tried, TRIALS)
  assert.deepEqual(faults, [], `seed ${SEED}:\n${faults.join('\n')}`)
})

async function damageOne(): Promise<Trial | undefined> {
  await lab.reset()
  const [name, damage] = [chance.pick(names), chance.pick(damages)]
  if (!(await damage.act(join(lab.lab.repository, name), chance))) return undefined
  return { name, damage: damage.name, point: lab.points.find((point) => name.includes(point)) }
}

async function faultsOf(trial: Trial, isWholeTrial: boolean): Promise<string[]> {
  const faults: string[] = []
  const run = async (...args: string[]): Promise<Ran> => {
    const ran = await lab.run(...args, '--json')
    if (ran.code === DEFECT) faults.push(`${args.join(' ')} is a defect: ${ran.out.slice(0, 300)}`)
    return ran
  }
  const now = await readAll(lab.lab.repository)
  const whole = lab.points.filter((point) => isWhole(lab.files, now, point))
  await run('points', 'portal')
  if (trial.point !== undefined) faults.push(...(await verified(trial, trial.point, whole, run)))
  faults.push(...(await othersRead(trial, whole, run)))
  faults.push(...(await planFaults(whole, run)))
  if (isWholeTrial) faults.push(...(await carriedOut(trial, whole, run)))
  return faults
}

type Run = (...args: string[]) => Promise<Ran>

async function verified(trial: Trial, point: string, whole: readonly string[], run: Run): Promise<string[]> {
  const ran = await run('verify', point)
  if (whole.includes(point))
    return ran.code === 0 ? [] : [`verify of whole ${point} ends with ${ran.code}: ${shown(ran)}`]
  if (ran.code === 0) return [`verify calls ${point} good`]
  const faults: string[] = []
  if (ran.code === WRONG_KEY && trial.name.startsWith('data/'))
    faults.push(`damage is called a wrong key: ${shown(ran)}`)
  const { points, damaged } = listed.parse(JSON.parse((await run('points', 'portal')).out))
  const isNamed =
    damaged.some((one) => one.point === point) ||
    points.some((one) => one.point === point && one.failedProof !== null) ||
    !points.some((one) => one.point === point)
  return isNamed ? faults : [...faults, `points says nothing of ${point}, whose verify ended with ${ran.code}`]
}

/** A file of one point says nothing of the others. */
async function othersRead({ name, point }: Trial, whole: readonly string[], run: Run): Promise<string[]> {
  const other = whole.find((one) => one !== point)
  if (name === 'holdfast.json' || other === undefined) return []
  const ran = await run('verify', other)
  return ran.code === 0 ? [] : [`verify of another point ends with ${ran.code}: ${shown(ran)}`]
}

async function planFaults(whole: readonly string[], run: Run): Promise<string[]> {
  const ran = await run('prune', 'portal', '--dry-run')
  if (ran.code !== 0) return []
  const removals = planned.parse(JSON.parse(ran.out)).plans.flatMap(({ plan }) => plan.removals)
  return whole.some((point) => !removals.includes(point)) ? [] : ['the plan of prune keeps no whole point']
}

async function carriedOut(trial: Trial, whole: readonly string[], run: Run): Promise<string[]> {
  const faults: string[] = []
  const drilled = await run('drill', 'portal')
  // One whose commit cannot be read is passed over, with a warning; what is drilled then is another one.
  const about = drilled.code === 0 ? drilledPoint.parse(JSON.parse(drilled.out)).report.point : undefined
  if (about !== undefined && !whole.includes(about)) faults.push(`a drill calls ${about} good`)
  const plan = await run('prune', 'portal', '--dry-run')
  const hash = plan.code === 0 ? planned.parse(JSON.parse(plan.out)).plans[0]?.plan.hash : undefined
  await run('prune', 'portal', ...(hash === undefined ? [] : ['--accept', `prune-${hash}`]))
  const left = await readAll(lab.lab.repository)
  const restorable = lab.points.filter((point) => isWhole(lab.files, left, point) && left.has(`points/${point}.json`))
  if (restorable.length === 0) return [...faults, 'prune left no point that restores']
  const other = restorable.findLast((point) => point !== trial.point) ?? ''
  return trial.name === 'holdfast.json' ? faults : [...faults, ...(await restored(other, run))]
}

async function restored(point: string, run: Run): Promise<string[]> {
  await lab.lab.sql(`update job_history set what = 'live'`)
  await mkdir(lab.lab.files, { recursive: true })
  await writeFile(join(lab.lab.files, 'master.key'), 'live')
  const ran = await run('restore', 'portal', '--at', point, '--yes')
  if (ran.code !== 0) return [`restore of ${point} ends with ${ran.code}: ${shown(ran)}`]
  const [row] = await lab.lab.sql('select what from job_history')
  const faults =
    row?.['what'] === `number ${lab.points.indexOf(point)}` ? [] : [`${point} brought ${String(row?.['what'])}`]
  const undone = await run('undo', 'portal', '--yes')
  return undone.code === 0 ? faults : [...faults, `undo ends with ${undone.code}: ${shown(undone)}`]
}

function shown({ out, error }: Ran): string {
  return `${out} ${error}`.replaceAll(/\s+/g, ' ').slice(0, 300)
}
