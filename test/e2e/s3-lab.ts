import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { makeBucket } from '../parts/s3-bucket.ts'
import { startS3 } from '../parts/s3.ts'
import type { Lab } from './lab.ts'

/** An S3 server with a bucket for the tests of one file. */
export async function startBucket() {
  const server = await startS3()
  const bucket = await makeBucket(server)
  after(async () => {
    await bucket.remove()
    await server.stop()
  })
  return { server, bucket }
}

/** The settings of a repository in the bucket, with the secret key in a file of the lab. */
export async function repositoryIn(
  { server, bucket }: Awaited<ReturnType<typeof startBucket>>,
  lab: Pick<Lab, 'folder'>,
) {
  const secretFile = join(lab.folder, 's3-secret')
  await writeFile(secretFile, server.secretKey, { mode: 0o600 })
  const settings = {
    url: `s3://${bucket.name}/holdfast/portal`,
    endpoint: server.endpoint,
    region: server.region,
    pathStyle: true,
    accessKey: server.accessKey,
    secretKey: `file:${secretFile}`,
    recipients: [],
  }
  return { settings, secretFile }
}
