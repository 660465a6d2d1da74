import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { withClock } from '../e2e/in-process.ts'
import type { Ran } from '../e2e/holdfast.ts'
import { startReadyLab, type Lab } from '../e2e/lab.ts'
import { must } from './killed-lab.ts'

/** A repository with several points of one app: verified, drilled, held, removed. Each trial gets it as it was. */
export interface DamageLab {
  readonly lab: Lab
  /** Oldest first; the last ones are kept by the policy, the first would be removed. */
  readonly points: readonly string[]
  /** Every file of the repository by its name in it. */
  readonly files: ReadonlyMap<string, Buffer>
  run(...args: readonly string[]): Promise<Ran>
  reset(): Promise<void>
}

const POINTS = 6

export async function startDamageLab(): Promise<DamageLab> {
  const lab = await startReadyLab({ app: { retention: { last: 2 } } })
  await lab.sql('truncate users, sessions cascade')
  const points: string[] = []
  for (let index = 0; index < POINTS; index += 1) points.push(await backUp(lab, index))
  const [held = '', verified = '', , drilled = ''] = points
  await must(lab.run('hold', held))
  await must(lab.run('verify', verified))
  await must(lab.run('drill', 'portal', '--at', drilled))
  const kept = join(lab.folder, 'kept')
  for (const part of ['repository', 'state']) await cp(join(lab.folder, part), join(kept, part), { recursive: true })
  return {
    lab,
    points,
    files: await readAll(lab.repository),
    run: (...args) => withClock(lab, 0, ...args),
    async reset() {
      for (const part of ['repository', 'state']) {
        await rm(join(lab.folder, part), { recursive: true, force: true })
        await cp(join(kept, part), join(lab.folder, part), { recursive: true, preserveTimestamps: true })
      }
    },
  }
}

const backedUp = z.object({ report: z.object({ point: z.string() }) })

async function backUp(lab: Lab, index: number): Promise<string> {
  await lab.sql(`update job_history set what = 'number ${index}'`)
  return backedUp.parse(JSON.parse((await must(lab.run('backup', 'portal', '--json'))).out)).report.point
}

export async function readAll(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name)
      files.set(relative(folder, path).split(sep).join('/'), await readFile(path))
    }
  return files
}

/** Whether everything that a point needs to be restored is as it was written. */
export function isWhole(files: ReadonlyMap<string, Buffer>, now: ReadonlyMap<string, Buffer>, point: string): boolean {
  const needed = [...files.keys()].filter(
    (name) => name.startsWith(`data/${point}/`) || name === `points/${point}.json`,
  )
  assert.ok(needed.length > 2)
  return needed.every((name) => now.get(name)?.equals(files.get(name) ?? Buffer.alloc(0)))
}
