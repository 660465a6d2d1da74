import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { stringify } from 'yaml'
import type { Ran } from './holdfast.ts'
import { withClock } from './in-process.ts'
import { editConfig, PASSWORD, type ConfigFile } from './lab.ts'

/** A host whose app `portal` is one folder of files, so that nothing needs a server. Commands run in the process of the test. */
export interface FilesHost {
  readonly folder: string
  readonly config: string
  /** Runs with the password in the environment. */
  run(...args: readonly string[]): Promise<Ran>
  runWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran>
  /** Runs with --json, which has to end with `code`. */
  json<Document = Record<string, unknown>>(args: readonly string[], code?: number): Promise<Document>
  edit(change: (config: ConfigFile) => void): Promise<void>
}

/** An empty home, without configuration and state. */
export async function emptyHost(t: TestContext): Promise<FilesHost> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-host-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'holdfast.yaml')
  const runWith: FilesHost['runWith'] = (environment, ...args) => withClock({ folder, environment }, 0, ...args)
  const run: FilesHost['run'] = (...args) => runWith({ HOLDFAST_PASSWORD: PASSWORD }, ...args)
  return {
    folder,
    config,
    run,
    runWith,
    edit: (change) => editConfig(config, change),
    async json<Document>(args: readonly string[], code = 0) {
      const ran = await run(...args, '--json')
      assert.equal(ran.code, code, `holdfast ${args.join(' ')}: ${ran.out}\n${ran.error}`)
      // The caller names the documented shape of what it asked for.
      return JSON.parse(ran.out) as Document
    },
  }
}

/** One with repository `main` and keys, and a file to lose. */
export async function filesHost(t: TestContext, ...init: readonly string[]): Promise<FilesHost> {
  const host = await emptyHost(t)
  await mkdir(join(host.folder, 'data'))
  await writeFile(join(host.folder, 'data', 'kept.txt'), 'kept')
  await writeConfig(host, { signingKey: `file:${join(host.folder, 'etc', 'signing.key')}` })
  await host.json(['init', ...init])
  return host
}

/** The least configuration with this repository and the folder of this host. */
export async function writeConfig(
  { folder, config }: FilesHost,
  added: Readonly<Record<string, unknown>>,
  repository = `file://${join(folder, 'repository-main')}`,
): Promise<void> {
  const component = { kind: 'files', path: join(folder, 'data') }
  const whole = {
    version: 1,
    state: join(folder, 'state'),
    ...added,
    repositories: { main: { url: repository } },
    apps: { portal: { repositories: ['main'], components: { files: component } } },
  }
  await writeFile(config, stringify(whole), { mode: 0o600 })
}

/** Adds a repository in a folder of this name to the configuration and its app. */
export async function addRepository(host: FilesHost, name: string, recipients: readonly string[]): Promise<string> {
  const url = `file://${join(host.folder, `repository-${name}`)}`
  await host.edit((config) => {
    config.repositories[name] = { url, recipients }
    config.apps['portal']?.repositories.push(name)
  })
  return url
}

/** The public keys that the configuration has for a repository. */
export async function recipientsOf(host: FilesHost, name: string): Promise<readonly string[]> {
  let found: readonly string[] = []
  await host.edit(({ repositories }) => {
    // Written by init, as a list of texts.
    found = (repositories[name]?.['recipients'] as readonly string[] | undefined) ?? []
  })
  return found
}

export async function keptFile(host: FilesHost): Promise<string> {
  return await readFile(join(host.folder, 'data', 'kept.txt'), 'utf8')
}
