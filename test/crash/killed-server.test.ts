import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RestoreStage } from '../../src/operations/restore/journal.ts'
import { assertLive, makeLiveDiffer, must, restoreUntil, startBackedUpLab, unfinished } from './killed-lab.ts'

const lab = await startBackedUpLab()

const stages: readonly RestoreStage[] = ['loading', 'staged', 'fencing', 'swapping', 'reopening']

for (const [index, stage] of stages.entries()) {
  test(
    `a server that is killed while a restore is ${stage} has the old or the new database, and the restore can be ended`,
    { timeout: 120_000 },
    async (t) => {
      await makeLiveDiffer(lab)
      const server = lab.postgres.process
      assert.ok(server !== undefined)
      const ran = await restoreUntil(lab, stage, () => {
        process.kill(server.pid, 'SIGKILL')
        return server.kill()
      })
      await server.restart()
      const left = await unfinished(lab)
      t.diagnostic(`the restore ended with ${ran.code} and left ${left?.stage ?? 'nothing'}`)
      if (left === undefined) return await assertLive(lab, ran.code === 0 ? 'restored' : 'before')
      assert.notEqual(ran.code, 0)
      await assertEnds(left.stage, index % 2 === 0)
    },
  )
}

/** Forward where that is documented and asked for, else back. */
async function assertEnds(left: RestoreStage, resume: boolean): Promise<void> {
  if (resume && left !== 'loading') {
    await must(lab.run('restore', 'portal', '--continue'))
    return await assertLive(lab, 'restored')
  }
  await must(lab.run('restore', 'portal', '--abandon'))
  await assertLive(lab, 'before')
}
