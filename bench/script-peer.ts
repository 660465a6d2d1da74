import { execa } from 'execa'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { programsOf } from '../test/parts/postgres-versions.ts'
import { makeBucket } from '../test/parts/s3-bucket.ts'
import type { Bench } from './bench.ts'
import { runMeasured } from './child.ts'
import type { ChildRun } from './child.ts'
import { settle } from './database.ts'
import { environmentOf } from './peer.ts'

/** What a careful person scripts: dumped by two workers, packed, encrypted, uploaded, and read once more. */
export interface ScriptPeer {
  /** The commands as a shell would show them. */
  readonly name: string
  run(): Promise<ChildRun>
}

const DUMP = '"$1" -Fd -j2 --compress=zstd:1 -f "$3" -d "$2"'
const PACK = 'tar -cC "$3" . | age -r "$4" | tee >(sha256sum > "$3.sum")'
const NAMES = 'pg_dump 17 -Fd -j2 --compress=zstd:1; tar | age'
const FOLDER = `set -euo pipefail; ${DUMP}; ${PACK} > "$3.age"; sync "$3.age"; sha256sum < "$3.age" | cmp - "$3.sum"`
const UPLOAD = 'aws s3 cp --only-show-errors --expected-size 2000000000 - "$5"; aws s3 cp --only-show-errors "$5" -'
const S3 = `set -euo pipefail; ${DUMP}; ${PACK} | ${UPLOAD} | sha256sum | cmp - "$3.sum"`

/** Undefined, and said, where a tool of the script is not installed. */
export async function scriptPeer(bench: Bench, database: string): Promise<ScriptPeer | undefined> {
  const { s3, folder } = bench
  const recipient = await ageRecipient(bench)
  if (recipient === undefined || !(await hasTools(bench))) return undefined
  const pgDump = join((await programsOf(17)) ?? '/usr/lib/postgresql/17/bin', 'pg_dump')
  const into = join(folder, 'script.dir')
  const target = s3 === undefined ? undefined : await bucketOf(s3)
  const command = target === undefined ? FOLDER : S3
  const args = ['-c', command, 'bash', pgDump, database, into, recipient, ...(target === undefined ? [] : [target.url])]
  const environment = { ...environmentOf(bench), ...target?.environment }
  const name = `${NAMES} ${target === undefined ? '> file; sync; sha256sum' : '| aws s3 cp; aws s3 cp | sha256sum'}`
  return {
    name,
    async run() {
      for (const path of [into, `${into}.age`, `${into}.sum`]) await rm(path, { recursive: true, force: true })
      await settle(bench)
      return runMeasured({ file: 'bash', args, environment, signal: bench.context.signal })
    },
  }
}

async function hasTools({ s3, context }: Bench): Promise<boolean> {
  if (s3 === undefined) return true
  const { failed } = await execa('aws', ['--version'], { reject: false })
  if (failed)
    context.progress({ type: 'note', message: 'the AWS command line is not installed; the script is left out' })
  return !failed
}

async function ageRecipient({ context }: Bench): Promise<string | undefined> {
  const { failed, stderr, stdout } = await execa('age-keygen', { reject: false })
  const [recipient] = /age1[0-9a-z]+/.exec(`${stdout}\n${stderr}`) ?? []
  if (failed || recipient === undefined)
    context.progress({ type: 'note', message: 'age is not installed; the script is left out' })
  return recipient
}

async function bucketOf(s3: NonNullable<Bench['s3']>): Promise<{ url: string; environment: Record<string, string> }> {
  const { name, client } = await makeBucket(s3)
  client.destroy()
  const environment = {
    AWS_ACCESS_KEY_ID: s3.accessKey,
    AWS_SECRET_ACCESS_KEY: s3.secretKey,
    AWS_REGION: s3.region,
    AWS_ENDPOINT_URL: s3.endpoint,
  }
  return { url: `s3://${name}/script.tar.age`, environment }
}
