import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { Place } from '../../src/platforms/place.ts'
import { testContext } from '../parts/postgres.ts'
import { holdfast, type Ran } from './holdfast.ts'
import { editConfig, PASSWORD } from './lab.ts'

/** What the app `portal` of the labs has in its database; its writer fills `written`. */
export const SCHEMA = `create table keys (id int primary key, secret text); insert into keys select n, md5(n::text) from generate_series(1, 3000) n;
create table written (at timestamptz default clock_timestamp());`

/**
 * What the writer does until its container ends: it holds one session, and makes a new one when that is lost. A program for
 * each row would keep a processor busy, and all tests would wait for it.
 */
export const writerOf = (host: string): string => `export PGPASSWORD="$POSTGRES_PASSWORD"
while :; do echo 'insert into written default values \\watch 0.2' | psql -qAt -h ${host} -U portal -d portal >/dev/null; sleep 0.2; done`

/** Holdfast in a folder of its own, for that app. */
export interface ContainerApp {
  readonly folder: string
  readonly run: (...args: readonly string[]) => Promise<Ran>
  /** Changes settings of the database. */
  readonly change: (settings: Readonly<Record<string, unknown>>) => Promise<void>
}

type Settings = Readonly<Record<string, unknown>>

interface Parts {
  readonly platform: Settings
  readonly components: Readonly<Record<string, Settings>>
}

/** The database of the app, in the container that `reach` names. */
export const databaseIn = (reach: Settings): Parts['components'] => ({
  database: { kind: 'postgres', reach, database: 'portal', user: 'portal', password: 'inside:POSTGRES_PASSWORD' },
})

/** Writes a configuration for an app in containers, with a repository and keys. */
export async function makeContainerApp(folder: string, { platform, components }: Parts): Promise<ContainerApp> {
  const config = join(folder, 'holdfast.yaml')
  const text = stringify({
    version: 1,
    state: join(folder, 'state'),
    signingKey: `file:${join(folder, 'signing.key')}`,
    identity: `file:${join(folder, 'identity.txt')}`,
    signers: [],
    repositories: { local: { url: `file://${join(folder, 'repository')}`, recipients: [] } },
    apps: { portal: { repositories: ['local'], platform, components } },
  })
  await writeFile(config, text, { mode: 0o600 })
  const run: ContainerApp['run'] = (...args) => holdfast(folder, args, { HOLDFAST_PASSWORD: PASSWORD })
  const init = await run('init', '--identity-file', join(folder, 'identity.txt'))
  if (init.code !== 0) throw new Error(init.error)
  const change: ContainerApp['change'] = (settings) =>
    editConfig(config, ({ apps }) => Object.assign(apps['portal']?.components['database'] ?? {}, settings))
  return { folder, run, change }
}

/** Runs a program inside, which must end well; gives what it prints. Asks the platform itself: each start of its own client costs more than the program. */
export function programsIn(place: Place): (...argv: readonly [string, ...string[]]) => Promise<string> {
  const context = testContext()
  return async (...argv) => {
    const program = await place.start(argv, context)
    program.stdin.end()
    const text = Buffer.concat(await program.stdout.toArray()).toString('utf8')
    const code = await program.ended
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${program.stderr()}`)
    return text
  }
}

/** The command lines of `ps -eo args=` that are neither of the server nor of what looks after its container. */
export function strangersIn(listed: string): readonly string[] {
  return listed
    .split('\n')
    .filter((line) => line.trim() !== '' && !/postgres|pg_isready|runc init|runuser|tini|^ps /.test(line))
}

interface AskedLab extends Pick<ContainerApp, 'run'> {
  readonly sql: (text: string) => Promise<string>
  readonly strangers: () => Promise<readonly string[]>
}

/** What tests of such an app ask again and again. */
export function asking(lab: AskedLab) {
  const written = async (): Promise<number> => Number(await lab.sql('select count(*) from written'))
  return {
    written,
    keys: (): Promise<string> => lab.sql('select count(*), md5(string_agg(secret, id::text order by id)) from keys'),
    /** Runs a command that must end well; gives all that it says. */
    must: async (...args: readonly string[]): Promise<string> => {
      const { code, out, error } = await lab.run(...args)
      assert.equal(code, 0, `${args.join(' ')}: ${error}${out}`)
      return `${out}${error}`
    },
    /** A relay hears of our end by its input, and ends within two seconds. */
    assertNobodyLeft: async (): Promise<void> => {
      for (let waited = 0; (await lab.strangers()).length > 0 && waited < 50; waited += 1) await sleep(100)
      assert.deepEqual(await lab.strangers(), [], 'nothing is left in the container')
    },
    assertWriterWrites: async (): Promise<void> => {
      const before = await written()
      for (let waited = 0; (await written()) === before && waited < 100; waited += 1) await sleep(100)
      assert.ok((await written()) > before, 'the writer writes')
    },
  }
}
