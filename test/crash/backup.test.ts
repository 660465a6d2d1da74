import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import type { BackupReport } from '../../src/operations/backup/report.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { TextPlace } from '../../src/operations/testing/text-driver.ts'
import {
  blobNames,
  newWorkshop,
  ShiftedClock,
  textComponent,
  type Workshop,
} from '../../src/operations/testing/workshop.ts'
import { memoryStorage } from '../../src/storage/testing/memory.ts'
import type { Effects } from '../../src/core/ports.ts'
import { crashEverywhere, type Crash } from './matrix.ts'
import { assertAccounted, assertSound, listed } from './points.ts'

const EARLIER = '1'.padStart(32, '0')
const POINT = '2'.padStart(32, '0')

async function freshWorkshop(repositories: number): Promise<Workshop> {
  const clock = new ShiftedClock()
  const storages = Array.from({ length: repositories }, () => memoryStorage({ clock }))
  const workshop = await newWorkshop({ clock, storages })
  assert.equal((await backUp(workshop)).point, EARLIER)
  return workshop
}

async function backUp(workshop: Workshop, effects?: Effects): Promise<BackupReport> {
  const app = appOf(workshop, effects)
  const context = workshop.context(effects)
  return runBackup(app, await planBackup(app, context), context)
}

function appOf(workshop: Workshop, effects?: Effects): App {
  const texts = { database: 'rows and more rows', files: 'a key' }
  return workshop.app(
    Object.entries(texts).map(([name, text]) => textComponent(new TextPlace(name, text))),
    effects,
  )
}

/** A report is believed by an operator, so it must be what the repositories show. */
async function assertTold(workshop: Workshop, { ended }: Crash<BackupReport>): Promise<void> {
  const lists = await Promise.all(workshop.storages.map(async (_, index) => listed(await assertSound(workshop, index))))
  for (const list of lists) assert.ok(list.includes(EARLIER))
  if (ended === 'dead') return
  if ('error' in ended) {
    for (const list of lists) assert.deepEqual(list, [EARLIER], 'a backup that told of failure is listed')
    return
  }
  const { outcome, repositories } = ended.result
  assert.equal(
    outcome === 'done',
    repositories.every((repository) => repository.outcome === 'committed'),
  )
  for (const [index, { outcome }] of repositories.entries()) {
    assert.equal(lists[index]?.includes(POINT), outcome === 'committed', `repository ${index}`)
  }
}

/** After the next backup and the time of the sweep nothing is left of the one that died. */
async function assertCleansUp(workshop: Workshop): Promise<void> {
  const next = await backUp(workshop)
  assert.equal(next.outcome, 'done')
  workshop.clock.passHours(97)
  for (const [index, storage] of workshop.storages.entries()) {
    await (await workshop.repository(index)).sweep(workshop.context())
    const catalog = await assertSound(workshop, index)
    assertAccounted(catalog, [EARLIER, next.point])
    const left = (await blobNames(storage, 'data/')).map((name) => name.split('/')[1] ?? '')
    assert.deepEqual([...new Set(left)].sort(), listed(catalog).sort())
  }
}

function isLostCommit({ effect, death }: Crash<BackupReport>): boolean {
  return death === 'lost' && effect === `put points/${POINT}.json`
}

for (const repositories of [1, 2]) {
  test(`a backup into ${repositories} repositories that dies anywhere lists nothing that is not whole, and the next one is good`, async (t) => {
    let lostCommits = 0
    await crashEverywhere<Workshop, BackupReport>(t, {
      fresh: () => freshWorkshop(repositories),
      run: backUp,
      async recover(workshop, crash) {
        await assertTold(workshop, crash)
        if (isLostCommit(crash)) {
          lostCommits += 1
          assert.ok(
            crash.ended !== 'dead' && 'result' in crash.ended && crash.ended.result.outcome === 'done',
            'the commit was there',
          )
        }
        await assertCleansUp(workshop)
      },
      close: (workshop) => workshop.close(),
    })
    assert.equal(lostCommits, repositories)
  })
}
