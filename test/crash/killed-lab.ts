import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { restoreStages, type RestoreStage } from '../../src/operations/restore/journal.ts'
import type { Ran, Started } from '../e2e/holdfast.ts'
import { startReadyLab, type Lab } from '../e2e/lab.ts'

/** A lab with one restore point, whose live data is told apart from it by one row and one file. */
export async function startBackedUpLab(setUp = 'select'): Promise<Lab> {
  const lab = await startReadyLab()
  await lab.sql(setUp)
  await must(lab.run('backup', 'portal'))
  return lab
}

export async function must(running: Promise<Ran>): Promise<Ran> {
  const ran = await running
  assert.equal(ran.code, 0, `${ran.out}\n${ran.error}`)
  return ran
}

export async function makeLiveDiffer(lab: Lab): Promise<void> {
  await lab.sql(`update job_history set what = 'live'`)
  await writeFile(join(lab.files, 'master.key'), 'live')
  await chmod(join(lab.files, 'master.key'), 0o600)
}

/** The live database and folder are reachable and both hold what was restored, or both what was there before. */
export async function assertLive(lab: Lab, expected: 'restored' | 'before'): Promise<void> {
  const [row] = await lab.sql('select what from job_history')
  const key = await readFile(join(lab.files, 'master.key'), 'utf8')
  assert.deepEqual([row?.['what'], key], expected === 'restored' ? ['first', 'k'.repeat(32)] : ['live', 'live'])
  const others = await lab.postgres.sql(
    'postgres',
    `select datname from pg_database where datname like 'portal\\_\\_r\\_%'`,
  )
  assert.deepEqual(others, [], 'a side database is left')
  assert.equal((await unfinished(lab))?.stage, undefined)
}

const journal = z.object({ stage: z.enum(restoreStages), started: z.string() })
export type Journal = z.infer<typeof journal>

/** The newest journal of a restore that is not over. */
export async function unfinished(lab: Pick<Lab, 'folder'>): Promise<Journal | undefined> {
  const journals = readJournals(lab).toSorted((a, b) => a.started.localeCompare(b.started))
  return journals.findLast(({ stage }) => !['done', 'abandoned', 'undone'].includes(stage))
}

function readJournals(lab: Pick<Lab, 'folder'>): Journal[] {
  const folder = join(lab.folder, 'state')
  const names = readdirSync(folder).filter((name) => name.startsWith('restore-') && name.endsWith('.json'))
  return names.map((name) => journal.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))))
}

/** Starts a restore and acts as soon as its journal says the stage, or a later one that is not the end. */
export async function restoreUntil(
  lab: Lab,
  stage: RestoreStage,
  act: (started: Started) => Promise<void> | void,
): Promise<Ran> {
  const running = lab.start('restore', 'portal', '--yes', '--no-safety-point')
  let ended: Ran | undefined
  void running.ended.then((ran) => (ended = ran))
  for (;;) {
    const found = await unfinished(lab)
    if (found !== undefined && restoreStages.indexOf(found.stage) >= restoreStages.indexOf(stage)) break
    assert.equal(ended, undefined, `the restore was over before it was seen in ${stage}: ${ended?.error}`)
    await sleep(1)
  }
  await act(running)
  return await running.ended
}

/** Kills the process at the stage; tries again when the machine was too fast. Gives the stage that it left behind. */
export async function killAt(lab: Lab, stage: RestoreStage): Promise<RestoreStage> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await makeLiveDiffer(lab)
    await restoreUntil(lab, stage, (started) => started.kill('SIGKILL')).catch((error: unknown) => {
      if (!(error instanceof assert.AssertionError)) throw error
    })
    const left = await unfinished(lab)
    if (left !== undefined) return left.stage
  }
  throw new Error(`no restore could be killed while ${stage}`)
}
