import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startReadyLab } from './lab.ts'

/** A real process stands for the app: what it would write is of no matter here, and that it is down while data is swapped is. */
const lab = await startReadyLab()
const pidFile = join(lab.folder, 'app.pid')
const SCRIPTS = {
  running: 'kill -0 "$(cat PID 2>/dev/null)" 2>/dev/null || exit 3',
  stop: 'kill "$(cat PID)" 2>/dev/null; rm -f PID; echo stop >> LOG',
  start: 'setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! > PID; echo start >> LOG',
}

async function scripts(): Promise<Record<string, string[]>> {
  const commands: Record<string, string[]> = {}
  for (const [name, text] of Object.entries(SCRIPTS)) {
    const file = join(lab.folder, name)
    const filled = text.replaceAll('PID', `'${pidFile}'`).replaceAll('LOG', `'${join(lab.folder, 'app.log')}'`)
    await writeFile(file, `#!/bin/sh\n${filled}\n`, { mode: 0o700 })
    commands[name] = [file]
  }
  return commands
}

const pid = async (): Promise<number> => Number(await readFile(pidFile, 'utf8'))

test('an app that runs is stopped for a restore and runs again afterwards', async () => {
  const commands = await scripts()
  await lab.edit(({ apps }) => {
    Object.assign(apps['portal']!, { platform: { kind: 'host', workloads: { portal: commands } } })
  })
  const checked = await lab.run('check')
  assert.match(checked.out, /platform host: nothing of the app runs now/)
  assert.equal((await lab.run('backup')).code, 0)
  // What does not run is not started.
  assert.equal((await lab.run('restore', '--no-safety-point', '--yes')).code, 0)
  await assert.rejects(pid())
  await promisify(execFile)(commands['start']![0]!)
  const before = await pid()
  const restored = await lab.run('restore', '--no-safety-point', '--yes')
  assert.equal(restored.code, 0, restored.error)
  assert.match(restored.error, /stopped meanwhile: portal/)
  assert.notEqual(await pid(), before)
  // It runs, and is of no more use.
  process.kill(await pid())
  assert.equal(await readFile(join(lab.folder, 'app.log'), 'utf8'), 'start\nstop\nstart\n')
})

test('an answer that nobody understands stops a restore before anything is touched', async () => {
  await writeFile(join(lab.folder, 'running'), '#!/bin/sh\nexit 1\n', { mode: 0o700 })
  const refused = await lab.run('restore', '--no-safety-point', '--yes')
  assert.equal(refused.code, 21, refused.error)
  assert.equal((await lab.run('check')).code, 13)
  await rm(join(lab.folder, 'running'))
})
