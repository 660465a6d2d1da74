import { randomBytes } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { Secret } from '../../src/core/secret.ts'
import type { S3Settings } from '../../src/storage/s3/settings.ts'
import type { TestS3 } from './s3.ts'

/** A new bucket of a test. */
export interface TestBucket {
  readonly name: string
  readonly client: S3Client
  /** Settings of a storage under `prefix` of the bucket. */
  settings(prefix: string): S3Settings
  /** How many uploads were begun and neither completed nor aborted. */
  unfinished(): Promise<number>
  /** Removes it with all that is in it. */
  remove(): Promise<void>
}

export async function makeBucket(server: TestS3): Promise<TestBucket> {
  const name = `holdfast-test-${randomBytes(6).toString('hex')}`
  const { endpoint, region, accessKey, secretKey } = server
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  return {
    name,
    client,
    settings: (prefix) => ({
      url: `s3://${name}/${prefix}`,
      endpoint,
      region,
      accessKey: new Secret(accessKey),
      secretKey: new Secret(secretKey),
    }),
    unfinished: async () =>
      ((await client.send(new ListMultipartUploadsCommand({ Bucket: name }))).Uploads ?? []).length,
    remove: () => removeBucket(client, name),
  }
}

async function removeBucket(client: S3Client, name: string): Promise<void> {
  for (;;) {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }))
    if (Contents.length === 0) break
    await client.send(
      new DeleteObjectsCommand({ Bucket: name, Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } }),
    )
  }
  await client.send(new DeleteBucketCommand({ Bucket: name }))
  client.destroy()
}
