import { noRules } from '../../src/core/testing/no-rules.ts'
import { runningOperations } from '../../src/system/process/this-process.ts'
import { directEffects } from '../../src/system/effects.ts'
import { systemClock } from '../../src/system/clock.ts'
import { folderRecords } from '../../src/system/files/folder-records.ts'
import { toFailure } from '../../src/core/failure.ts'
import { platforms } from '../../src/platforms/all.ts'
import type { App, OperationContext } from '../../src/operations/app.ts'
import { asOperation } from '../../src/operations/as-operation.ts'
import { noteHeld, release } from '../../src/operations/pause/hold.ts'

/** A process that begins to hold an app when its parent says so, tells how that went, and lets go when its parent says so. */
const [folder = '', id = ''] = process.argv.slice(2)
const host = platforms.find(({ kind }) => kind === 'host')
if (host === undefined) throw new Error('no platform host')
const workloads = { web: { running: ['true'], stop: ['true'], start: ['true'] } }
const settings = host.settings.parse({ kind: 'host', workloads })
const never = (): never => {
  throw new Error('not here')
}
const app: App = {
  name: 'portal',
  components: [],
  repositories: [],
  retention: noRules,
  intervalMilliseconds: 1,
  platform: { kind: host, settings, reaches: [] },
}
const context: OperationContext = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => undefined,
  newId: never,
  records: folderRecords(folder, directEffects),
  software: 'test',
  scratchFolder: never,
  removeScratchFolder: never,
  processes: runningOperations(),
  identities: never,
}

async function hold(): Promise<void> {
  let end = (): void => undefined
  const letGo = new Promise<void>((resolve) => (end = resolve))
  process.once('message', () => end())
  await asOperation(app, context, async (own) => {
    const outcome = await noteHeld(app, { operation: 'restore', id }, own).then(
      () => 'won',
      (error: unknown) => toFailure(error).kind,
    )
    process.send?.(outcome)
    await letGo
    await release(app, id, own)
  })
  process.send?.('over')
}

process.on('disconnect', () => process.exit())
process.send?.('ready')
const onward = (): void => void process.once('message', () => void hold().then(onward))
onward()
