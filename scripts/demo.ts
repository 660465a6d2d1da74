/**
 * `npm run demo`: the main job, start to end, on a private PostgreSQL in a temporary folder. Nothing outside that folder is
 * touched; with --keep it is left running to play with.
 */
import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/system/clock.ts'
import { directEffects } from '../src/system/effects.ts'
import { interruptSignal } from '../src/system/process/interrupt.ts'
import { APP, makePlace, type Place } from './demo/place.ts'
import { say, Show, timed } from './demo/show.ts'
import { backUpAndProve, loseAndRestore, undoAndPrune } from './demo/story.ts'
import { installMissing } from './machine.ts'

const { values } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, megabytes: { type: 'string', default: '200' } },
})
const signal = interruptSignal()
const context = { clock: systemClock, effects: directEffects, signal, progress: () => {} }

await installMissing(['s3', 'python', 'host'])
say(`Making a private PostgreSQL with an identity provider's database of ${values.megabytes} MB and a folder of keys …`)
const made = await timed(() => makePlace(Number(values.megabytes), context))
const place = made.result
const show = new Show(place.configPath, signal)
show.add({
  name: 'make the data',
  milliseconds: made.milliseconds,
  note: `PostgreSQL ${place.postgres.major} in ${place.folder}`,
})
try {
  await backUpAndProve(place, show)
  await loseAndRestore(place, show)
  await undoAndPrune(show)
  say(`\n${show.table()}\n`)
  if (values.keep) await keepRunning(place)
} finally {
  await place.postgres.stop()
  if (values.keep) say(`The folder ${place.folder} is left for you to look at and remove.`)
  else await rm(place.folder, { recursive: true, force: true })
}

if (!values.keep)
  say(`Everything was in ${place.folder} and is removed again. npm run demo -- --keep leaves it running to play with.`)

async function keepRunning(place: Place): Promise<void> {
  const { folder, configPath } = place
  const { host, port } = place.administrator(APP)
  say(`It keeps running until Ctrl-C. Look around in another terminal:

  export HOLDFAST_CONFIG=${configPath}
  bin/holdfast points
  bin/holdfast drill
  PGPASSWORD=$(cat ${folder}/database-password) psql -h ${String(host)} -p ${String(port)} -U postgres ${APP}
  ls -R ${folder}/repository
`)
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
