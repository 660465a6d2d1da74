import assert from 'node:assert/strict'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Context } from '../../core/ports.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import { hostPlatform } from './host.ts'
import { hostSettings, type HostSettings } from './schema.ts'

const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => {},
}

interface Host {
  readonly settings: HostSettings
  readonly isUp: (name: string) => Promise<boolean>
}

/** Workloads that run while a file is there. */
async function hostWith(t: TestContext, up: readonly string[], down: readonly string[] = []): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-host-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const asks = join(folder, 'asks')
  await writeFile(asks, '#!/bin/sh\n[ -e "$1" ] || exit 3\n', { mode: 0o700 })
  const workloads = Object.fromEntries(
    [...up, ...down].map((name) => {
      const file = join(folder, name)
      return [name, { running: [asks, file], stop: ['rm', '-f', file], start: ['touch', file] }]
    }),
  )
  for (const name of up) await writeFile(join(folder, name), '')
  return {
    settings: hostSettings.parse({ kind: 'host', workloads }),
    isUp: (name) =>
      access(join(folder, name)).then(
        () => true,
        () => false,
      ),
  }
}

test('what runs is named, stopped and started, and each may be asked for twice', async (t) => {
  const { settings, isUp } = await hostWith(t, ['web', 'worker'], ['migration'])
  assert.deepEqual(await hostPlatform.running(settings, context), ['web', 'worker'])
  for (let time = 0; time < 2; time += 1) await hostPlatform.pause(settings, 'web', context)
  assert.deepEqual(await hostPlatform.running(settings, context), ['worker'])
  for (let time = 0; time < 2; time += 1) await hostPlatform.resume(settings, 'web', context)
  assert.deepEqual([await isUp('web'), await isUp('migration')], [true, false])
})

test('an answer that is neither yes nor no is none', async () => {
  const asked = (running: readonly string[]): Promise<readonly string[]> => {
    const workloads = { web: { running, stop: ['true'], start: ['true'] } }
    return hostPlatform.running(hostSettings.parse({ kind: 'host', workloads }), context)
  }
  await assert.rejects(asked(['false']), { kind: 'toolFailed' })
  await assert.rejects(asked(['/nowhere/at-all']))
})

test('a workload that the configuration lost is named', async (t) => {
  const { settings } = await hostWith(t, ['web'])
  await assert.rejects(hostPlatform.resume(settings, 'gone', context), { kind: 'usage', message: /workload gone/ })
})

test('a unit needs its suffix, and there is no shell', () => {
  assert.equal(hostSettings.safeParse({ kind: 'host', units: ['portal'] }).success, false)
  assert.equal(hostSettings.safeParse({ kind: 'host', units: ['portal@1.service'] }).success, true)
  const workloads = { web: { running: 'pgrep web', stop: ['true'], start: ['true'] } }
  assert.equal(hostSettings.safeParse({ kind: 'host', workloads }).success, false)
})
