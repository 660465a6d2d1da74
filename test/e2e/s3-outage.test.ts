import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { listed } from './expect.ts'
import { startLab } from './lab.ts'
import { readLive } from './live.ts'
import { repositoryIn, startBucket } from './s3-lab.ts'
import { addBigTable, copying } from './watch.ts'

/** An S3 server that is ended and started again while a backup or a restore is under way. */
const skip =
  process.env['HOLDFAST_TEST_S3_ENDPOINT'] !== undefined && 'the S3 server of the environment is not ended by a test'
/** Longer than a storage is waited for that has answered nothing yet. */
const OUTAGE = 18_000

const place = await startBucket()
const { server } = place
const lab = await startLab()
const { settings } = await repositoryIn(place, lab)
await lab.configure({
  repositories: {
    main: settings,
  },
})
assert.equal((await lab.run('init', '--identity-file', join(lab.folder, 'etc', 'identity.txt'))).code, 0)
await addBigTable(lab, 300_000)
const original = await readLive(lab)

async function outage(): Promise<void> {
  await server.end()
  await sleep(OUTAGE)
  await server.startAgain()
}

test('a backup goes on when the server is back', { skip, timeout: 300_000 }, async () => {
  const backup = lab.start('backup')
  await copying(lab, 'portal')
  await outage()
  const { code, out, error } = await backup.ended
  assert.equal(code, 0, out + error)
  assert.match(error, /cannot be reached.*; it is tried again for some minutes/)
  assert.equal((await listed(lab)).points.at(-1)?.truth, 'read back')
})

test('a restore goes on when the server is back', { skip, timeout: 300_000 }, async () => {
  await lab.sql('delete from sessions')
  const point = (await listed(lab)).points.at(-1)?.point ?? ''
  const restore = lab.start('restore', '--at', point, '--yes', '--no-safety-point')
  await copying(lab, 'portal\\_\\_%')
  await outage()
  const { code, out, error } = await restore.ended
  assert.equal(code, 0, out + error)
  const { database, files } = await readLive(lab)
  assert.deepEqual({ database, files }, { database: original.database, files: original.files })
})

test('a server that does not answer at all is told soon', { skip, timeout: 300_000 }, async () => {
  await server.end()
  const begun = performance.now()
  const ran = await lab.run('points', '--json')
  assert.ok(performance.now() - begun < 60_000)
  await server.startAgain()
  assert.notEqual(ran.code, 0)
  assert.match(ran.out, /cannot be reached/)
})
