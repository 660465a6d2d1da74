import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { DumpFormat } from '../../src/components/capabilities/dumps.ts'
import { loadDumpFile } from '../../src/components/postgres/dumps/load.ts'
import { writeDumpFile } from '../../src/components/postgres/dumps/write.ts'
import type { PostgresSettings } from '../../src/components/postgres/schema.ts'
import { chooseTools } from '../../src/components/postgres/tools/tools.ts'
import { Secret } from '../../src/core/secret.ts'
import { withTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { ODD, oddObjects } from '../parts/postgres-odd.ts'
import { captureStored } from '../parts/postgres-stored.ts'
import { MAJORS, programsOf, providePostgresVersions, type Major } from '../parts/postgres-versions.ts'
import { startPrivate, testContext, type TestPostgres } from '../parts/postgres.ts'

/** What an export wrote, given to the tools that every operator has, of the very major that the data is from. */
await providePostgresVersions()
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const [OLDEST, NEWEST] = [Math.min(...MAJORS), Math.max(...MAJORS)]
/** Elsewhere than in `npm run soak`, archives are of the oldest and the newest major. */
const formatsOf = (major: Major): readonly DumpFormat[] =>
  SOAK || major === OLDEST || major === NEWEST ? ['sql', 'custom', 'directory'] : ['sql']
/** Without the line break that is in other odd names: pg_restore refuses databases that have one. */
const DATABASE = `odd ${ODD}`.slice(0, 40).replaceAll('\n', ' ')
const OWNER = 'The "owner"'
const warnings: string[] = []
const context = testContext({
  progress: (event) => {
    if (event.type === 'warning') warnings.push(event.message)
  },
})
const servers = new Map<Major, TestPostgres>()
for (const major of MAJORS) servers.set(major, await startPrivate({}, major))

function server(major: Major): TestPostgres {
  const found = servers.get(major)
  assert.ok(found !== undefined)
  return found
}

/** A program of the smallest major that has clients and is not older. */
async function stock(
  major: Major,
  program: 'pg_dump' | 'pg_restore' | 'psql',
  args: readonly string[],
): Promise<string> {
  const { folder } = await chooseTools(major * 10_000, {}, context)
  const { host, port, user, password } = server(major).server
  const env = {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password instanceof Secret ? password.reveal() : '',
    LC_ALL: 'C.UTF-8',
  }
  return (await promisify(execFile)(join(folder, program), [...args], { env, maxBuffer: 1 << 28 })).stdout
}

async function textOf(major: Major, database: string): Promise<string> {
  const text = await stock(major, 'pg_dump', [`--dbname=${conninfo(database)}`])
  return text.replaceAll(/^\\(?:un)?restrict .*$|^-- Dumped.*$/gm, '')
}

function conninfo(database: string): string {
  return `dbname='${database.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}

async function loadWithStockTools(major: Major, path: string, format: DumpFormat): Promise<void> {
  await server(major).createDatabase('back', 'template template0')
  if (format === 'sql')
    await stock(major, 'psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--file=${path}`, 'back'])
  else await stock(major, 'pg_restore', ['--exit-on-error', '--dbname=back', path])
}

async function textOfImported(
  major: Major,
  settings: PostgresSettings,
  path: string,
  format: DumpFormat,
): Promise<string> {
  return await withTemporaryFolder(async (scratchFolder) => {
    const request = { format, path, trusted: true, withPasswords: false, scratchFolder }
    const loaded = await loadDumpFile(settings, request, context)
    try {
      const { details, source } = await captureStored(loaded.settings, context)
      const output = join(scratchFolder, 'again.sql')
      await writeDumpFile(loaded.settings, details, source, { format: 'sql', path: output, scratchFolder }, context)
      await server(major).createDatabase('imported', 'template template0')
      await stock(major, 'psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--file=${output}`, 'imported'])
      return await textOf(major, 'imported')
    } finally {
      await loaded.close()
    }
  })
}

for (const major of MAJORS) {
  test(
    `${major}: stock tools load what an export wrote, and an import of it is equal`,
    { timeout: 900_000 },
    async () => {
      const postgres = server(major)
      await postgres.sql('postgres', `create role "The ""owner""" login`)
      await postgres.createDatabase(DATABASE)
      await postgres.sql(DATABASE, `set search_path = public; ${oddObjects(OWNER)}`)
      // pg_dump itself brings its columns back in another order.
      await postgres.sql(DATABASE, 'drop table public.late_children cascade')
      const settings = postgres.settings(DATABASE)
      const { details, source } = await captureStored(settings, context)
      const original = await textOf(major, DATABASE)
      for (const format of formatsOf(major)) {
        await withTemporaryFolder(async (folder) => {
          const path = join(folder, format)
          // Directly among the temporary files: the server's user must be able to enter it.
          await withTemporaryFolder((scratchFolder) =>
            writeDumpFile(settings, details, source, { format, path, scratchFolder }, context),
          )
          await loadWithStockTools(major, path, format)
          assert.equal(await textOf(major, 'back'), original, `${format}: what stock tools loaded`)
          if (format !== 'directory')
            assert.equal(await textOfImported(major, settings, path, format), original, `${format}: what was imported`)
        })
      }
    },
  )
}

test(
  'an export by newer tools, and an import on a newer server, say where it cannot go',
  { timeout: 300_000 },
  async () => {
    const settings = server(16).settings('postgres', { toolsFolder: await programsOf(17) })
    const { details, source } = await captureStored(settings, context)
    await withTemporaryFolder(async (scratchFolder) => {
      warnings.length = 0
      const path = join(scratchFolder, 'newer.sql')
      await writeDumpFile(settings, details, source, { format: 'sql', path, scratchFolder }, context)
      assert.match(
        warnings.join('\n'),
        /client tools 17\S* write dumps that cannot be restored to this server, whose major is 16/,
      )
      for (const [text, warned] of [
        [await readFile(path, 'utf8'), true],
        [
          '-- PostgreSQL database dump\n-- Dumped from database version 15.1\n-- PostgreSQL database dump complete\n',
          false,
        ],
      ] as const) {
        warnings.length = 0
        assert.equal(await isWarned(settings, scratchFolder, text), warned)
      }
    })
  },
)

async function isWarned(settings: PostgresSettings, folder: string, text: string): Promise<boolean> {
  const path = join(folder, 'given.sql')
  await writeFile(path, text)
  return await withTemporaryFolder(async (scratchFolder) => {
    const request = { format: 'sql', path, trusted: false, withPasswords: false, scratchFolder } as const
    await (await loadDumpFile(settings, request, context)).close()
    return /its restore point cannot be restored to a server older than 17/.test(warnings.join('\n'))
  })
}
