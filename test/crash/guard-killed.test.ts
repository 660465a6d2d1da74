import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { RestoreStage } from '../../src/operations/restore/journal.ts'
import { assertLive, killAt, makeLiveDiffer, must, startBackedUpLab, unfinished } from './killed-lab.ts'

/** Real processes that are killed, a real database, and a program of this host that stands for the app. */
const lab = await startBackedUpLab()
const pidFile = join(lab.folder, 'app.pid')
const SCRIPTS = {
  running: 'kill -0 "$(cat PID 2>/dev/null)" 2>/dev/null || exit 3',
  stop: 'kill "$(cat PID)" 2>/dev/null; rm -f PID',
  start: '[ -e PID ] && exit 0; setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! > PID',
}

async function withProgram(): Promise<void> {
  const commands: Record<string, string[]> = {}
  for (const [name, text] of Object.entries(SCRIPTS)) {
    const file = join(lab.folder, name)
    await writeFile(file, `#!/bin/sh\n${text.replaceAll('PID', `'${pidFile}'`)}\n`, { mode: 0o700 })
    commands[name] = [file]
  }
  await lab.edit(({ apps }) =>
    Object.assign(apps['portal']!, { platform: { kind: 'host', workloads: { portal: commands } } }),
  )
  await promisify(execFile)(join(lab.folder, 'start'))
}

const isUp = async (): Promise<boolean> =>
  await readFile(pidFile, 'utf8').then(
    (text) => process.kill(Number(text), 0),
    () => false,
  )

interface Guarded {
  readonly apps: readonly { readonly outcome: string; readonly settled?: { readonly how: string } }[]
}

await withProgram()
test.after(async () => {
  if (await isUp()) process.kill(Number(await readFile(pidFile, 'utf8')))
  await rm(pidFile, { force: true })
})

for (const stage of ['fencing', 'swapping', 'reopening'] as const satisfies readonly RestoreStage[])
  test(
    `a restore that was killed while ${stage} is brought up by the guardian alone`,
    { timeout: 120_000 },
    async (t) => {
      const at = await killAt(lab, stage)
      const { apps } = await lab.json<Guarded>(['guard'])
      const how = apps[0]?.settled?.how
      t.diagnostic(`killed while ${at}: ${how}`)
      assert.equal(apps[0]?.outcome, 'brought back')
      assert.ok(await isUp())
      const left = await unfinished(lab)
      if (left === undefined) await assertLive(lab, how === 'finish' ? 'restored' : 'before')
      else {
        assert.deepEqual([left.stage, how], ['staged', 'let in'])
        assert.equal((await lab.sql('select what from job_history'))[0]?.['what'], 'live')
        await must(lab.run('restore', 'portal', '--continue'))
        await assertLive(lab, 'restored')
      }
      assert.ok(await isUp())
      assert.equal((await must(lab.run('guard'))).out.trim(), 'portal: nothing is down.')
      await makeLiveDiffer(lab)
    },
  )

test('a pause ends by itself, by a guardian that goes on looking', { timeout: 60_000 }, async () => {
  await must(lab.run('pause', 'portal', '--for', '2s', '--yes'))
  assert.equal(await isUp(), false)
  const guard = lab.start('guard', '--every', '1s')
  for (let look = 0; look < 400 && !(await isUp()); look += 1) await new Promise((resolve) => setTimeout(resolve, 50))
  // Until it has said so.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  guard.kill('SIGTERM')
  const { code, error } = await guard.ended
  assert.deepEqual([code, await isUp()], [0, true], error)
  assert.match(error, /portal: brought back; started portal/)
})
