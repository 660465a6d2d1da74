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
  // Where a test asks for it, Holdfast is killed once the app is down.
  stop: 'kill "$(cat PID)" 2>/dev/null; rm -f PID; echo stop >> LOG; if [ -e PID.kill ]; then rm PID.kill; kill -9 $PPID; fi',
  start: 'setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! > PID; echo start >> LOG',
}

async function scripts(): Promise<Record<string, string[]>> {
  const commands: Record<string, string[]> = {}
  for (const [name, text] of Object.entries(SCRIPTS)) {
    const file = join(lab.folder, name)
    const filled = text.replaceAll(/\bPID/g, `'${pidFile}'`).replaceAll('LOG', `'${join(lab.folder, 'app.log')}'`)
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

const isUp = async (): Promise<boolean> => process.kill(await pid(), 0)

test('a component is captured while the app is stopped, which runs again also after the backup was killed', async () => {
  await lab.edit(({ apps }) => Object.assign(apps['portal']!.components['files']!, { captureWhile: 'paused' }))
  await promisify(execFile)(join(lab.folder, 'start'))
  const first = await pid()
  const planned = await lab.run('backup', '--dry-run')
  assert.match(planned.out, /stopped meanwhile: portal/)
  assert.equal(await pid(), first)
  assert.equal((await lab.run('backup')).code, 0)
  assert.notEqual(await pid(), first)
  await writeFile(`${pidFile}.kill`, '')
  assert.notEqual((await lab.run('backup')).code, 0)
  await assert.rejects(pid())
  assert.match((await lab.run('check')).out, /backup [0-9a-f]+ stopped portal .*was cut off/)
  const resumed = await lab.run('resume')
  assert.equal(resumed.code, 0, resumed.error)
  assert.match(resumed.out, /portal runs again: portal/)
  assert.ok(await isUp())
  // The next backup does the same.
  await writeFile(`${pidFile}.kill`, '')
  assert.notEqual((await lab.run('backup')).code, 0)
  assert.equal((await lab.run('backup')).code, 0)
  assert.ok(await isUp())
})

test('an app that a person paused stays so over a restore and an undo, until it is resumed', async () => {
  assert.equal((await lab.run('pause', '--reason', 'migration', '--yes')).code, 0)
  await assert.rejects(pid())
  for (const command of [
    ['restore', '--no-safety-point', '--yes'],
    ['undo', '--yes'],
  ]) {
    const ran = await lab.run(...command)
    assert.equal(ran.code, 0, ran.error)
    assert.match(ran.error, /portal stay stopped: .*migration/)
    await assert.rejects(pid())
  }
  const resumable = await lab.json<{ plan: { reason: string; workloads: string[] } }>(['resume', '--dry-run'])
  assert.deepEqual([resumable.plan.reason, resumable.plan.workloads], ['migration', ['portal']])
  assert.equal((await lab.run('resume')).code, 0)
  assert.ok(await isUp())
  // It runs, and is of no more use.
  process.kill(await pid())
})

test('an answer that nobody understands stops a restore before anything is touched', async () => {
  await writeFile(join(lab.folder, 'running'), '#!/bin/sh\nexit 1\n', { mode: 0o700 })
  const refused = await lab.run('restore', '--no-safety-point', '--yes')
  assert.equal(refused.code, 21, refused.error)
  assert.equal((await lab.run('check')).code, 13)
  await rm(join(lab.folder, 'running'))
})
