import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { inFolder } from '../../src/repository/kleidia-v1/testing/sample.ts'
import { holdfast } from '../e2e/holdfast.ts'
import { makeBucket } from '../parts/s3-bucket.ts'
import { startS3 } from '../parts/s3.ts'

const server = await startS3()
const bucket = await makeBucket(server)
after(async () => {
  await bucket.remove()
  await server.stop()
})

const golden = await readFile(join(import.meta.dirname, 'vectors', 'vault-only.enc'))
const environment = {
  AWS_ACCESS_KEY_ID: server.accessKey,
  AWS_SECRET_ACCESS_KEY: server.secretKey,
  HOLDFAST_KLEIDIA_PASSWORD: 'Pässwort for vectors',
}

interface Printed {
  readonly report: {
    readonly files: readonly { readonly name: string; readonly location: string; readonly outcome: string }[]
  }
}

async function imported(
  folder: string,
  path: string,
  ...options: readonly string[]
): Promise<Printed['report']['files']> {
  const place = [`s3://${bucket.name}/${path}`, '--endpoint', server.endpoint, '--region', server.region]
  const ran = await holdfast(folder, ['import', 'kleidia-v1', ...place, '--json', '--quiet', ...options], environment)
  assert.equal(ran.code, 0, ran.out + ran.error)
  // What our own command prints; the shapes are compared elsewhere.
  return (JSON.parse(ran.out) as Printed).report.files
}

async function put(names: readonly string[]): Promise<void> {
  const left = [...names]
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop())
      await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: name, Body: golden }))
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

test(
  'a prefix with more than 1,000 backups is taken whole, and nothing is written to the bucket',
  { timeout: 300_000 },
  async () => {
    const names = Array.from(
      { length: 1100 },
      (_, index) => `backups/backup-full-20260117-${String(120_000 + index)}.enc`,
    )
    await put([...names, 'backups-of-others/a.enc'])
    await inFolder(async (folder) => {
      const files = await imported(folder, 'backups')
      assert.deepEqual(
        files.map(({ location }) => location),
        names.map((name) => `s3://${bucket.name}/${name}`),
      )
      assert.ok(files.every(({ outcome }) => outcome === 'listed'))
      const [only, ...others] = await imported(folder, names[7] ?? '', '--unpack', join(folder, 'to'))
      assert.equal(only?.outcome, 'unpacked')
      assert.deepEqual(others, [])
      const lines = await readFile(join(folder, 'to', 'backup-full-20260117-120007.enc', 'secrets.jsonl'), 'utf8')
      assert.equal(lines, '{"path":"b","data":{"k":""}}\n{"path":"a","data":{}}\n')
      // The listing of the whole bucket has nothing of ours, such as a probe.
      const all = await imported(folder, '')
      assert.equal(all.length, 1101)
    })
  },
)
