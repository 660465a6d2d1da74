import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { captureOpenbao } from '../../src/components/openbao/capture/capture.ts'
import { checkOpenbao } from '../../src/components/openbao/capture/check.ts'
import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import { filesDriver } from '../../src/components/files/driver.ts'
import { capture as captureFiles, MemoryArtifacts, settingsFor } from '../../src/components/files/testing/trees.ts'
import type { TargetRequest } from '../../src/components/target.ts'
import { secretsDriver } from '../../src/components/secrets/driver.ts'
import { isFailure } from '../../src/core/failure.ts'
import { at, findBao } from '../parts/openbao.ts'
import { initialise, makeNode, nodeSettings, untilActive } from '../parts/openbao-node.ts'
import type { BaoNode } from '../parts/openbao-node.ts'
import { captureToMemory } from '../parts/openbao-points.ts'
import { testContext } from '../parts/postgres.ts'

/** As Kleidia's chart has it: storage file, which no snapshot can be taken of, and a static seal. 2.6 is the last that starts on it. */
const context = testContext()
const limit = { timeout: 300_000 }
const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
after(() => rm(folder, { recursive: true, force: true }))
const sealKey = join(folder, 'seal')
await writeFile(sealKey, randomBytes(32), { mode: 0o600 })
const node = await makeNode(serverWith(sealKey))
await node.start()
const keys = await initialise(node, 'auto')
const must: BaoNode['must'] = (method, path, body) => node.must(method, path, body, keys.token)
await must('POST', 'sys/mounts/yubikeys', { type: 'kv', options: { version: '2' } })
await must('POST', 'sys/mounts/transit', { type: 'transit' })
await must('POST', 'transit/keys/app')
for (let n = 0; n < 20; n += 1) await must('POST', `yubikeys/data/device/${n}`, { data: { pin: `captured ${n}` } })
const encrypted = at(await must('POST', 'transit/encrypt/app', { plaintext: 'aGVsbG8=' }), 'data', 'ciphertext')

function serverWith(key: string): Parameters<typeof makeNode>[0] {
  const config = `storage "file" {
  path = "$FOLDER/data"
}
seal "static" {
  current_key_id = "k1"
  current_key = "file://${key}"
}
listener "tcp" {
  address = "$ADDRESS"
  cluster_address = "$CLUSTER"
  tls_disable = true
}
disable_mlock = true`
  return { find: () => findBao('2.6.1'), config }
}

test('check says that there is no snapshot, and what brings everything back instead', limit, async () => {
  const findings = await checkOpenbao(await nodeSettings(node, keys), context)
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
  const snapshot = findings.find(({ subject }) => subject === 'raft snapshot')
  assert.equal(snapshot?.level, 'warning')
  assert.match(snapshot?.message ?? '', /storage is file and not raft/)
  assert.match(snapshot?.hint ?? '', /secrets are captured.*cold copy.*kind files.*key of the seal.*kind secrets/)
  const custody = findings.find(({ subject }) => subject === 'unseal keys')
  assert.match(custody?.message ?? '', /key of the static seal/)
})

test('a snapshot that is required is refused before anything is captured', limit, async () => {
  const settings = await nodeSettings(node, keys, { snapshot: 'require' })
  const required = (await checkOpenbao(settings, context)).find(({ subject }) => subject === 'raft snapshot')
  assert.equal(required?.level, 'error')
  const written: string[] = []
  const sink = { write: async (role: string) => void written.push(role) }
  await assert.rejects(
    captureOpenbao(settings, sink, context),
    (error: unknown) =>
      isFailure(error, 'refused') && /storage is file/.test(error.message) && /cold copy/.test(error.hint ?? ''),
  )
  assert.deepEqual(written, [])
})

test('the secrets are captured and restored, and the point says what it lacks', limit, async () => {
  const settings = await nodeSettings(node, keys)
  const point = await captureToMemory(settings)
  assert.deepEqual([point.details.secrets, point.details.storage, point.details.snapshot], [20, 'file', null])
  assert.ok(point.notCaptured.some((text) => text.includes('the storage is file and not raft')))
  assert.ok(point.notCaptured.some((text) => text.includes('the keys of transit and PKI')))
  await must('POST', 'yubikeys/data/device/3', { data: { pin: 'live' } })
  await must('DELETE', 'yubikeys/metadata/device/4')
  const target = await openbaoDriver.open(settings, { mode: 'swap', restoreId: '0a1b2c3d' }, context)
  await target.load(point.details, point.source, context)
  await target.swap(point.details, context)
  for (const n of [3, 4])
    assert.deepEqual(at(await must('GET', `yubikeys/data/device/${n}`), 'data', 'data'), { pin: `captured ${n}` })
})

test('a cold copy and the key of the seal bring back the secrets, and transit with its keys', limit, async () => {
  await node.kill()
  const cold = await captureFiles(settingsFor(join(node.folder, 'data')))
  await node.start()
  const request = { mode: 'swap', restoreId: '0a1b2c3d' } as const
  const copy = await makeNode(serverWith(await restoredSealKey(request)))
  const target = await filesDriver.open(settingsFor(join(copy.folder, 'data')), request, context)
  await target.load(cold.details, cold.artifacts, context)
  assert.deepEqual(await target.compare(cold.details, context), [])
  await target.fence(context)
  await target.swap(cold.details, context)
  await copy.start()
  await untilActive([copy])
  const ask: BaoNode['must'] = (method, path, body) => copy.must(method, path, body, keys.token)
  assert.deepEqual(at(await ask('GET', 'yubikeys/data/device/7'), 'data', 'data'), { pin: 'captured 7' })
  const decrypted = await ask('POST', 'transit/decrypt/app', { ciphertext: encrypted })
  assert.equal(at(decrypted, 'data', 'plaintext'), 'aGVsbG8=')
})

/** Through the component that check names. */
async function restoredSealKey(request: TargetRequest): Promise<string> {
  const restoreFolder = join(folder, 'restored')
  const secrets = { seal: { file: sealKey } }
  const settings = secretsDriver.settings.parse({ kind: 'secrets', secrets, restoreFolder })
  const artifacts = new MemoryArtifacts()
  const { details } = await secretsDriver.capture(settings, artifacts, context)
  const target = await secretsDriver.open(settings, request, context)
  await target.load(details, artifacts, context)
  await target.swap(details, context)
  assert.deepEqual(await readFile(join(restoreFolder, 'seal')), await readFile(sealKey))
  return join(restoreFolder, 'seal')
}

test('a cold copy without the right key of the seal opens nothing', limit, async () => {
  await node.kill()
  const cold = await captureFiles(settingsFor(join(node.folder, 'data')))
  const wrongKey = join(folder, 'another-seal')
  await writeFile(wrongKey, randomBytes(32), { mode: 0o600 })
  const copy = await makeNode(serverWith(wrongKey))
  const request = { mode: 'swap', restoreId: '0a1b2c3d' } as const
  const target = await filesDriver.open(settingsFor(join(copy.folder, 'data')), request, context)
  await target.load(cold.details, cold.artifacts, context)
  await target.swap(cold.details, context)
  const started = await copy.start().then(
    () => copy.must('GET', 'sys/seal-status'),
    (error: unknown) => ({ sealed: true, error }),
  )
  assert.equal(at(started, 'sealed'), true)
})
