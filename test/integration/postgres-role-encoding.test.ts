import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dumpWith } from '../parts/dump-tools.ts'
import { openCasesLab } from '../cases/postgres-cases-lab.ts'
import { tryCase } from '../cases/try-case.ts'
import { editConfig } from '../e2e/lab.ts'
import { startPrivate } from '../parts/postgres.ts'

/** A role's name is bytes of the database where it was made: é is one byte there, and two in database postgres. */
const postgres = await startPrivate()
const lab = await openCasesLab(postgres)
const LATIN = `template template0 encoding 'LATIN1' locale 'C'`
const ROLES = `create role "gérante" login; create role "équipe"; grant "équipe" to "gérante"`
const OWNED = `create schema "été" authorization "gérante"; create table "été"."café" (id int primary key, nom text);
  insert into "été"."café" values (1, 'Zoé'); alter table "été"."café" owner to "gérante"; grant select on "été"."café" to "équipe"`
const OWNER = `select pg_get_userbyid(relowner)::text as owner from pg_class where relname = 'café'`

test('a database whose roles have names of its own encoding is proven and comes back', async () => {
  await tryCase(postgres, lab, 'latin', { sql: [ROLES, OWNED], options: LATIN })
})

test('where these roles are gone, the way to have them made is printed, and works', async () => {
  await postgres.createDatabase('latin', LATIN)
  await postgres.sql('latin', OWNED)
  const backedUp = await lab.run('backup', 'latin')
  assert.equal(backedUp.code, 0, backedUp.error)
  await postgres.createDatabase('upkeep', LATIN)
  const kept = await postgres.sql('postgres', `select datname::text from pg_database where datname like 'latin%'`)
  for (const { datname } of kept) await postgres.dropDatabase(String(datname))
  await postgres.sql('upkeep', 'drop role "gérante"; drop role "équipe"')
  const restore = (): ReturnType<typeof lab.run> => lab.run('restore', 'latin', '--no-safety-point', '--yes')
  const refused = await restore()
  assert.equal(refused.code, 13, refused.out + refused.error)
  assert.match(
    (refused.out + refused.error).replaceAll(/\s+/g, ' '),
    /names in LATIN1 cannot be made from database postgres, which is UTF8: gérante, équipe.*ENCODING 'LATIN1'.*set maintenanceDatabase/,
  )
  await editConfig(join(lab.folder, 'holdfast.yaml'), (config) => {
    config.apps['latin']!.components['database']!['maintenanceDatabase'] = 'upkeep'
  })
  const restored = await restore()
  assert.equal(restored.code, 0, restored.out + restored.error)
  assert.deepEqual(await postgres.sql('latin', OWNER), [{ owner: 'gérante' }])
})

test('roles of a database in UTF-8 are found from a maintenance database of another encoding', async () => {
  await postgres.createDatabase('modern', 'template template0')
  await postgres.sql(
    'modern',
    `create role "modératrice"; create table public."café" (id int); alter table public."café" owner to "modératrice"`,
  )
  await lab.add('modern', false)
  await editConfig(join(lab.folder, 'holdfast.yaml'), (config) => {
    config.apps['modern']!.components['database']!['maintenanceDatabase'] = 'upkeep'
  })
  for (const args of [['backup'], ['drill'], ['restore', '--no-safety-point', '--yes']]) {
    const ran = await lab.run(...args)
    assert.equal(ran.code, 0, ran.out + ran.error)
  }
  assert.deepEqual(await postgres.sql('modern', OWNER), [{ owner: 'modératrice' }])
})

const DUMPS = {
  custom: ['pg_dump', '--format=custom', '--dbname=latin'],
  directory: ['pg_dump', '--format=directory', '--dbname=latin'],
  sql: ['pg_dump', '--dbname=latin'],
  cluster: ['pg_dumpall', '--database=upkeep'],
} as const

test('a dump of such a database is imported with its owners', async () => {
  await lab.add('latin', false)
  for (const [format, [program, ...args]] of Object.entries(DUMPS)) {
    const file = join(lab.folder, `latin.${format}`)
    await dumpWith(postgres, program, [...args, `--file=${file}`])
    const database = format === 'cluster' ? ['--database', 'latin'] : []
    const kind = format === 'cluster' ? 'sql' : format
    const imported = await lab.run('import', kind, file, ...database, '--accept', 'trust-dump', '--json')
    assert.ok([0, 3].includes(imported.code), format + imported.out + imported.error)
    const { report } = JSON.parse(imported.out) as { report: { point: string } }
    const shown = await lab.run('show', report.point, '--json')
    assert.match(shown.out, /gérante/, format)
    const drilled = await lab.run('drill', '--at', report.point)
    assert.ok([0, 3].includes(drilled.code), format + drilled.out + drilled.error)
  }
})
