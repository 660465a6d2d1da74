import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { stringify } from 'yaml'
import { inFolder, sampleFile, sampleHeader } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { holdfast, start } from '../e2e/holdfast.ts'
import { makeBucket } from '../parts/s3-bucket.ts'
import { startS3 } from '../parts/s3.ts'

const server = await startS3()
const bucket = await makeBucket(server)
const home = await makeBucket(server)
const folder = await mkdtemp(join(tmpdir(), 'holdfast-prefix-'))
after(async () => {
  await rm(folder, { recursive: true, force: true })
  await bucket.remove()
  await home.remove()
  await server.stop()
})

const password = 'Pässwort for vectors'
const golden = await readFile(join(import.meta.dirname, 'vectors', 'vault-only.enc'))
const environment = {
  AWS_ACCESS_KEY_ID: server.accessKey,
  AWS_SECRET_ACCESS_KEY: server.secretKey,
  HOLDFAST_KLEIDIA_PASSWORD: password,
  HOLDFAST_PASSWORD: 'correct horse battery staple',
}
/** More than a page of a listing. */
const FILES = 1100
/** How many different ones they are: to open one takes its 64 MiB and a while. In `npm run soak` no two are equal. */
const DIFFERENT = process.env['HOLDFAST_SOAK'] === undefined ? 40 : FILES
const GOLDEN_AT = 7
const names = Array.from({ length: FILES }, (_, index) => `backups/backup-full-20260117-${String(120_000 + index)}.enc`)

interface Printed {
  readonly report: {
    readonly files: readonly {
      readonly name: string
      readonly location: string
      readonly outcome: string
      readonly imported?: { readonly point: string }
    }[]
  }
}
type Files = Printed['report']['files']

const importing = (path: string, ...options: readonly string[]): readonly string[] => {
  const place = [`s3://${bucket.name}/${path}`, '--endpoint', server.endpoint, '--region', server.region]
  return ['import', 'kleidia-v1', ...place, '--json', '--quiet', ...options]
}

async function imported(path: string, ...options: readonly string[]): Promise<Files> {
  const ran = await holdfast(folder, importing(path, ...options), environment)
  assert.equal(ran.code, 0, ran.out + ran.error)
  // What our own command prints; the shapes are compared elsewhere.
  return (JSON.parse(ran.out) as Printed).report.files
}

/** The different ones are spread over all pages, each followed by its copies. */
function fileAt(index: number): Uint8Array {
  if (index === GOLDEN_AT) return golden
  const number = Math.floor((index * DIFFERENT) / FILES)
  const header = JSON.stringify({ ...sampleHeader, backup_type: 'vault-only', includes_db: false })
  return sampleFile({ password, json: `{"header":${header},"vault_secrets":{"counter":{"number":${number}}}}` })
}

async function put(): Promise<void> {
  const left = [...names.keys()]
  const worker = async (): Promise<void> => {
    for (let index = left.pop(); index !== undefined; index = left.pop())
      await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: names[index], Body: fileAt(index) }))
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'backups-of-others/a.enc', Body: golden }))
}

before(put, { timeout: 300_000 })

test(
  'a prefix with more than 1,000 backups is listed whole, and nothing is written to the bucket',
  { timeout: 300_000 },
  async () => {
    await inFolder(async (to) => {
      const files = await imported('backups')
      assert.deepEqual(
        files.map(({ location }) => location),
        names.map((name) => `s3://${bucket.name}/${name}`),
      )
      assert.ok(files.every(({ outcome }) => outcome === 'listed'))
      const [only, ...others] = await imported(names[GOLDEN_AT] ?? '', '--unpack', join(to, 'to'))
      assert.equal(only?.outcome, 'unpacked')
      assert.deepEqual(others, [])
      const lines = await readFile(join(to, 'to', 'backup-full-20260117-120007.enc', 'secrets.jsonl'), 'utf8')
      assert.equal(lines, '{"path":"b","data":{"k":""}}\n{"path":"a","data":{}}\n')
      // The listing of the whole bucket has nothing of ours, such as a probe.
      const all = await imported('')
      assert.equal(all.length, FILES + 1)
    })
  },
)

/** An app of nothing but secrets, whose server an import does not ask, and whose repository is in a bucket, too. */
async function configure(): Promise<void> {
  await writeFile(join(folder, 's3-secret'), server.secretKey, { mode: 0o600 })
  const config = {
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    signers: [],
    repositories: {
      main: {
        url: `s3://${home.name}/holdfast`,
        endpoint: server.endpoint,
        region: server.region,
        pathStyle: true,
        accessKey: server.accessKey,
        secretKey: `file:${join(folder, 's3-secret')}`,
        recipients: [],
      },
    },
    apps: {
      kleidia: {
        repositories: ['main'],
        components: {
          keys: { kind: 'openbao', address: 'http://127.0.0.1:1', token: 'env:NOT_ASKED', mounts: ['yubikeys'] },
        },
      },
    },
  }
  await writeFile(join(folder, 'holdfast.yaml'), stringify(config), { mode: 0o600 })
  const ran = await holdfast(folder, ['init', '--identity-file', join(folder, 'identity.txt')], environment)
  assert.equal(ran.code, 0, ran.error)
}

async function commits(): Promise<number> {
  const listed = await home.client.send(new ListObjectsV2Command({ Bucket: home.name, Prefix: 'holdfast/points/' }))
  return listed.KeyCount ?? 0
}

test(
  'all of them become restore points, also when the first run is killed, and none twice',
  { timeout: 3_600_000 },
  async (t) => {
    await configure()
    const running = start(folder, importing('backups', 'kleidia'), environment)
    const state = { ended: false }
    void running.ended.then(() => (state.ended = true))
    while (!state.ended && (await commits()) < 3) await sleep(50)
    running.kill('SIGKILL')
    assert.equal((await running.ended).code, 137)
    const early = await commits()
    assert.ok(early >= 3 && early < DIFFERENT, `${early} points`)
    const begun = performance.now()
    const files = await imported('backups', 'kleidia')
    t.diagnostic(`killed after ${early} points; the others took ${Math.round((performance.now() - begun) / 1000)} s`)
    assert.equal(files.length, FILES)
    const taken = files.filter(({ outcome }) => outcome === 'imported').length
    assert.deepEqual([...new Set(files.map(({ outcome }) => outcome))].sort(), ['imported', 'imported before'])
    // With the golden one.
    const expected = DIFFERENT === FILES ? FILES : DIFFERENT + 1
    assert.equal(taken, expected - early)
    assert.equal(new Set(files.map(({ imported: point }) => point?.point)).size, expected)
    const { out } = await holdfast(folder, ['points', 'kleidia', '--json'], environment)
    const { points } = JSON.parse(out) as { points: { held: boolean }[] }
    assert.equal(points.length, expected)
    // Perhaps the one at which it was killed is not.
    assert.ok(points.filter(({ held }) => held).length >= expected - 1)
  },
)
