import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { makeBucket } from '../test/parts/s3-bucket.ts'
import { passwordOf } from '../src/components/postgres/connection/connection.ts'
import { projectRoot } from './bench.ts'
import type { Bench, Place } from './bench.ts'
import { Secret } from '../src/core/secret.ts'
import { openStorage } from '../src/storage/open.ts'
import type { Storage } from '../src/storage/storage.ts'
import { runMeasured } from './child.ts'
import type { ChildRun } from './child.ts'

export const HOLDFAST = join(projectRoot, 'bin', 'holdfast')

/** A configuration of the real command line with the app `bench` and one repository in a folder. */
export interface Project {
  readonly configPath: string
  readonly repositoryFolder: string
  readonly signingKeyFile: string
  /** Where its restore points are, without Holdfast's own layers before it. */
  storage(): Promise<Storage>
  /** Runs `holdfast` as a user would, in a process of its own. */
  run(args: readonly string[], onLine?: (line: string) => void): Promise<ChildRun>
}

/** Makes configuration, keys and repository with `holdfast init`. */
export async function makeProject(
  bench: Bench,
  name: string,
  database: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Project> {
  return makeProjectOf(bench, name, { database: { ...(await databaseComponent(bench, name, database)), ...settings } })
}

/** With components as the configuration words them. What an earlier call made for the same name is used again. */
export async function makeProjectOf(bench: Place, name: string, components: unknown): Promise<Project> {
  const folder = join(bench.folder, name)
  const repositoryFolder = join(folder, 'repository')
  await mkdir(repositoryFolder, { recursive: true, mode: 0o700 })
  const identityFile = join(folder, 'identity.txt')
  const configPath = join(folder, 'holdfast.yaml')
  const repository = await repositoryOf(bench, folder)
  await writeFile(configPath, stringify(configOf(folder, repository, components)), { mode: 0o600 })
  const run: Project['run'] = (args, onLine) =>
    runMeasured({
      file: HOLDFAST,
      args: ['--config', configPath, ...args],
      signal: bench.context.signal,
      ...(onLine === undefined ? {} : { onLine }),
    })
  if (!existsSync(identityFile)) await run(['init', '--identity-file', identityFile, '--no-password'])
  const storage = (): Promise<Storage> => storageOf(bench, repository)
  return { configPath, repositoryFolder, signingKeyFile: join(folder, 'signing.key'), storage, run }
}

function storageOf({ s3, context }: Place, { url }: Readonly<{ url: string }>): Promise<Storage> {
  const { signal, clock } = context
  const options = { signal, clock, warn: () => {} }
  if (s3 === undefined) return openStorage({ url }, options)
  const { endpoint, region } = s3
  const keys = { accessKey: new Secret(s3.accessKey), secretKey: new Secret(s3.secretKey) }
  return openStorage({ url, endpoint, region, ...keys, createOnly: true }, options)
}

async function databaseComponent(
  bench: Bench,
  name: string,
  database: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { host, port, user } = bench.postgres.server
  const folder = join(bench.folder, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, (await passwordOf(bench.postgres.server)) ?? '', { mode: 0o600 })
  return { kind: 'postgres', host, port, user, database, password: `file:${passwordFile}` }
}

/** As the configuration words it; in S3 with a bucket of its own, whose name stays in a file. */
async function repositoryOf(
  { s3 }: Place,
  folder: string,
): Promise<{ readonly url: string } & Readonly<Record<string, unknown>>> {
  if (s3 === undefined) return { url: `file://${join(folder, 'repository')}` }
  const bucketFile = join(folder, 'bucket')
  const [accessFile, secretFile] = [join(folder, 's3.access'), join(folder, 's3.secret')]
  if (!existsSync(bucketFile)) {
    const { name, client } = await makeBucket(s3)
    client.destroy()
    await writeFile(bucketFile, name)
    await writeFile(accessFile, s3.accessKey, { mode: 0o600 })
    await writeFile(secretFile, s3.secretKey, { mode: 0o600 })
  }
  const { endpoint, region } = s3
  const url = `s3://${await readFile(bucketFile, 'utf8')}/bench`
  return { url, endpoint, region, accessKey: `file:${accessFile}`, secretKey: `file:${secretFile}` }
}

function configOf(folder: string, repository: unknown, components: unknown): Readonly<Record<string, unknown>> {
  return {
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    repositories: { local: repository },
    apps: { bench: { repositories: ['local'], components } },
  }
}
