import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/operations/app.ts'
import { planBackup } from '../../src/operations/backup/plan.ts'
import type { BackupReport } from '../../src/operations/backup/report.ts'
import { runBackup } from '../../src/operations/backup/run.ts'
import { TextPlace } from '../../src/operations/testing/text-driver.ts'
import {
  blobNames,
  newTestHost,
  ShiftedClock,
  textComponent,
  type TestHost,
} from '../../src/operations/testing/test-host.ts'
import { memoryStorage } from '../../src/storage/testing/memory.ts'
import type { Effects } from '../../src/core/ports.ts'
import { crashEverywhere, type Crash } from './matrix.ts'
import { assertAccounted, assertSound, listed } from './points.ts'

const EARLIER = '1'.padStart(32, '0')
const POINT = '2'.padStart(32, '0')

async function freshWorkshop(repositories: number): Promise<TestHost> {
  const clock = new ShiftedClock()
  const storages = Array.from({ length: repositories }, () => memoryStorage({ clock }))
  const testHost = await newTestHost({ clock, storages })
  assert.equal((await backUp(testHost)).point, EARLIER)
  return testHost
}

async function backUp(testHost: TestHost, effects?: Effects): Promise<BackupReport> {
  const app = appOf(testHost, effects)
  const context = testHost.context(effects)
  return runBackup(app, await planBackup(app, context), context)
}

function appOf(testHost: TestHost, effects?: Effects): App {
  const texts = { database: 'rows and more rows', files: 'a key' }
  return testHost.app(
    Object.entries(texts).map(([name, text]) => textComponent(new TextPlace(name, text))),
    effects,
  )
}

/** A report is believed by an operator, so it must be what the repositories show. */
async function assertTold(testHost: TestHost, { ended }: Crash<BackupReport>): Promise<void> {
  const lists = await Promise.all(testHost.storages.map(async (_, index) => listed(await assertSound(testHost, index))))
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
async function assertCleansUp(testHost: TestHost): Promise<void> {
  const next = await backUp(testHost)
  assert.equal(next.outcome, 'done')
  testHost.clock.passHours(97)
  for (const [index, storage] of testHost.storages.entries()) {
    await (await testHost.repository(index)).sweep(testHost.context())
    const catalog = await assertSound(testHost, index)
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
    await crashEverywhere<TestHost, BackupReport>(t, {
      fresh: () => freshWorkshop(repositories),
      run: backUp,
      async recover(testHost, crash) {
        await assertTold(testHost, crash)
        if (isLostCommit(crash)) {
          lostCommits += 1
          assert.ok(
            crash.ended !== 'dead' && 'result' in crash.ended && crash.ended.result.outcome === 'done',
            'the commit was there',
          )
        }
        await assertCleansUp(testHost)
      },
      close: (testHost) => testHost.close(),
    })
    assert.equal(lostCommits, repositories)
  })
}
