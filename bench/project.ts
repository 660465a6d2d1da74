import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { passwordOf } from '../src/components/postgres/connection.ts'
import { projectRoot } from './bench.ts'
import type { Bench, Place } from './bench.ts'
import { runMeasured } from './child.ts'
import type { ChildRun } from './child.ts'

export const HOLDFAST = join(projectRoot, 'bin', 'holdfast')

/** A configuration of the real command line with the app `bench` and one repository in a folder. */
export interface Project {
  readonly configPath: string
  readonly repositoryFolder: string
  readonly signingKeyFile: string
  /** Runs `holdfast` as a user would, in a process of its own. */
  run(args: readonly string[], onLine?: (line: string) => void): Promise<ChildRun>
}

/** Makes configuration, keys and repository with `holdfast init`. */
export async function makeProject(bench: Bench, name: string, database: string): Promise<Project> {
  return makeProjectOf(bench, name, { database: await databaseComponent(bench, name, database) })
}

/** With components as the configuration words them. What an earlier call made for the same name is used again. */
export async function makeProjectOf(bench: Place, name: string, components: unknown): Promise<Project> {
  const folder = join(bench.folder, name)
  const repositoryFolder = join(folder, 'repository')
  await mkdir(repositoryFolder, { recursive: true, mode: 0o700 })
  const identityFile = join(folder, 'identity.txt')
  const configPath = join(folder, 'holdfast.yaml')
  await writeFile(configPath, stringify(configOf(folder, components)), { mode: 0o600 })
  const run: Project['run'] = (args, onLine) =>
    runMeasured({
      file: HOLDFAST,
      args: ['--config', configPath, ...args],
      signal: bench.context.signal,
      ...(onLine === undefined ? {} : { onLine }),
    })
  if (!existsSync(identityFile)) await run(['init', '--identity-file', identityFile, '--no-password'])
  return { configPath, repositoryFolder, signingKeyFile: join(folder, 'signing.key'), run }
}

async function databaseComponent(bench: Bench, name: string, database: string): Promise<unknown> {
  const { host, port, user } = bench.postgres.server
  const folder = join(bench.folder, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, (await passwordOf(bench.postgres.server)) ?? '', { mode: 0o600 })
  return { kind: 'postgres', host, port, user, database, password: `file:${passwordFile}` }
}

function configOf(folder: string, components: unknown): Readonly<Record<string, unknown>> {
  return {
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    repositories: { local: { url: `file://${join(folder, 'repository')}` } },
    apps: { bench: { repositories: ['local'], components } },
  }
}
