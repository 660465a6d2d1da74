import { placeOfServer } from '../../system/files/where-it-lies.ts'
import type { SettingMistake, StorageKind } from '../kind.ts'
import { s3Shape, type S3Settings } from './settings.ts'

export const s3Kind = {
  protocol: 's3:',
  example: 's3://bucket/prefix',
  settings: s3Shape,
  placedBy: ['endpoint'],
  files: ['ca'],
  offsite: {
    url: 's3://bucket/prefix',
    endpoint: 'https://s3.example.org',
    region: 'us-east-1',
    accessKey: 'env:HOLDFAST_ACCESS_KEY',
    secretKey: 'env:HOLDFAST_SECRET_KEY',
  },
  isTried: true,
  expectedUrl,
  mistakes,
  place: async ({ endpoint }) => (endpoint === undefined ? {} : placeOfServer(new URL(endpoint).hostname)),
  // Loaded when it is used, so that a command on a folder does not wait for the client.
  open: async (settings: S3Settings, options) => (await import('./s3.ts')).openS3(settings, options),
} satisfies StorageKind<typeof s3Shape>

function expectedUrl({ username, password, host }: URL): string | undefined {
  if (username !== '' || password !== '')
    return 'no credentials; write them under accessKey and secretKey as references'
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}$/.test(host) ? undefined : 's3:// and the name of a bucket'
}

function mistakes({ accessKey, secretKey }: Readonly<Record<string, unknown>>): readonly SettingMistake[] {
  if ((accessKey === undefined) === (secretKey === undefined)) return []
  const setting = accessKey === undefined ? 'secretKey' : 'accessKey'
  return [{ setting, message: 'accessKey and secretKey are given together or not at all' }]
}
