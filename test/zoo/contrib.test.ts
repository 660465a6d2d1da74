import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPrivate } from '../parts/postgres.ts'
import { plain, uses } from './extensions.ts'
import { prove } from './prove.ts'
import { keepResult, resultOf } from './results.ts'

/**
 * The extensions that come with PostgreSQL: those that an owner may create together in one database; at full size
 * (HOLDFAST_SOAK) every one that can be created by itself. HOLDFAST_ZOO_EXTENSIONS names some of them.
 */
const full = process.env['HOLDFAST_SOAK'] !== undefined
const named = process.env['HOLDFAST_ZOO_EXTENSIONS']?.split(',')
const postgres = await startPrivate({ synchronous_commit: 'off', shared_preload_libraries: 'pg_stat_statements' })
await postgres.sql('postgres', 'create role zoo')

interface Extension {
  readonly name: string
  readonly version: string
  readonly trusted: boolean
}

const extensions = (
  await postgres.sql(
    'postgres',
    `select a.name::text, default_version as version, trusted from pg_available_extensions a join pg_available_extension_versions v on v.name = a.name and v.version = default_version where a.name <> 'plpgsql' order by 1`,
  )
).map((row): Extension => ({
  name: String(row['name']),
  version: String(row['version']),
  trusted: row['trusted'] === true,
}))

/** Several get a schema each for what is made with them, as their names are the same. */
async function makeDatabase(database: string, some: readonly Extension[]): Promise<void> {
  await postgres.createDatabase(database, 'template template0 owner zoo')
  for (const [n, { name, trusted }] of some.entries()) {
    const schema = some.length === 1 ? 'public' : `s${n}`
    const begin = `${trusted ? 'set role zoo;' : ''} create schema if not exists ${schema}; set search_path = ${schema}, public;`
    const use = (uses[name] ?? plain).replaceAll('$schema', schema)
    await postgres.sql(database, `${begin} ${creation(name)}; ${use}`)
  }
}

const creation = (name: string): string => `create extension "${name}" schema public cascade`

/** Some need a language or a library that this server lacks. */
async function whyNot({ name }: Extension): Promise<string | undefined> {
  await postgres.createDatabase('probe', 'template template0')
  return postgres.sql('probe', creation(name)).then(() => undefined, String)
}

const outdated = async (database: string): Promise<void> =>
  assert.deepEqual(
    await postgres.sql(
      database,
      'select e.extname from pg_extension e join pg_available_extensions a on a.name = e.extname where e.extversion <> a.default_version',
    ),
    [],
  )

test('extensions that an owner may create come back together', { skip: named !== undefined }, async () => {
  const trusted = extensions.filter((extension) => extension.trusted && extension.name in uses)
  assert.ok(trusted.length >= 15, `only ${trusted.length} trusted extensions`)
  await makeDatabase('together', trusted)
  const proven = await prove(postgres, 'together', () => outdated('together'))
  assert.deepEqual(resultOf({ name: 'trusted extensions', version: '' }, proven, 0).problems, [])
})

for (const extension of full || named !== undefined ? extensions : []) {
  const { name, version, trusted } = extension
  if (named?.includes(name) === false) continue
  test(`extension ${name} comes back`, async (context) => {
    const begun = performance.now()
    const reason = await whyNot(extension)
    if (reason !== undefined) return context.skip(`${name} cannot be created here: ${reason}`)
    await makeDatabase('alone', [extension])
    const proven = await prove(postgres, 'alone', () => outdated('alone'), { superuserRestores: !trusted })
    const result = resultOf({ name: `extension ${name}`, version }, proven, (performance.now() - begun) / 1000)
    await keepResult(result)
    assert.deepEqual(result.problems, [])
  })
}
