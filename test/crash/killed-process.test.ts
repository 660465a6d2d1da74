import { test } from 'node:test'
import type { RestoreStage } from '../../src/operations/restore/journal.ts'
import { assertLive, killAt, must, startBackedUpLab } from './killed-lab.ts'

const lab = await startBackedUpLab()

const stages: readonly RestoreStage[] = ['loading', 'staged', 'fencing', 'swapping', 'reopening']
const forward: readonly RestoreStage[] = ['staged', 'fencing', 'swapping', 'reopening']

for (const stage of stages) {
  test(
    `a restore whose process is killed while ${stage} is finished by --continue`,
    { timeout: 120_000 },
    async (t) => {
      const left = await killAt(lab, stage)
      t.diagnostic(`killed while ${left}`)
      const resumed = await lab.run('restore', 'portal', '--continue')
      if (!forward.includes(left)) {
        if (resumed.code !== 13) throw new Error(`--continue ended with ${resumed.code}: ${resumed.error}`)
        await must(lab.run('restore', 'portal', '--abandon'))
        return await assertLive(lab, 'before')
      }
      await must(Promise.resolve(resumed))
      await assertLive(lab, 'restored')
    },
  )

  test(
    `a restore whose process is killed while ${stage} is taken back by --abandon`,
    { timeout: 120_000 },
    async (t) => {
      t.diagnostic(`killed while ${await killAt(lab, stage)}`)
      await must(lab.run('restore', 'portal', '--abandon'))
      await assertLive(lab, 'before')
    },
  )
}
