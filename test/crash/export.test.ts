import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DumpFormat } from '../../src/components/capabilities/dumps.ts'
import { localSource } from '../../src/interop/kleidia-v1/format/source.ts'
import { sampleFile, sampleHeader, secretPassword } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia } from '../../src/interop/kleidia-v1/read/unpack.ts'
import { directEffects } from '../../src/system/effects.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { dyingEffects, recordingEffects } from '../parts/dying-effects.ts'
import { startPostgres, testContext } from '../parts/postgres.ts'
import { crashEverywhere, settled } from './matrix.ts'
import { assertListed, deathsOfTransfer, exportTo, importKleidia, startTransfers } from './transfer-lab.ts'

type Format = DumpFormat | 'kleidia-v1'
const SOAK = process.env['HOLDFAST_SOAK'] === '1'
const postgres = await startPostgres()
const world = await startTransfers(['database', 'keys'])
const folder = join(world.folder, 'out')
let point = ''
after(() => world.close())

before(
  async () => {
    const header = JSON.stringify(sampleHeader)
    const json = `{"header":${header},"database_sql":${JSON.stringify(world.sql)},"vault_secrets":{"a":{"number":1}}}`
    const [file] = (await importKleidia(world, sampleFile({ json }), directEffects)).files
    point = file?.imported?.point ?? ''
  },
  { timeout: 120_000 },
)

async function empty(): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
}

/** The SQL in what an export wrote, without what is different in every dump. */
async function sqlIn(path: string, format: Format): Promise<string> {
  const text = await textIn(path, format)
  return text
    .replaceAll(/^\\(?:un)?restrict .*$|^-- Dumped.*$/gm, '')
    .replaceAll(DROPS, '')
    .trim()
}

/** What Kleidia's SQL drops before it makes it. */
const DROPS =
  /--\nDO \$holdfast\$[\s\S]*?(?=SET default_tablespace)|-- Name: before all else[\s\S]*?(?=-- PostgreSQL database dump complete)/g

async function textIn(path: string, format: Format): Promise<string> {
  if (format === 'sql') return await readFile(path, 'utf8')
  if (format !== 'kleidia-v1') return await dumpWith(postgres, 'pg_restore', ['--file=-', path])
  const source = await localSource(path, 'it')
  const target = `${path}.unpacked`
  const { sql } = await unpackKleidia({ source, password: secretPassword }, target, testContext())
  const text = await readFile(sql?.path ?? '', 'utf8')
  await rm(target, { recursive: true })
  return text
}

/** Nothing is under the name, or all of it; what else is there says that it is not finished. */
async function assertWholeOrNone(format: Format): Promise<boolean> {
  const names = await readdir(folder)
  const others = names.filter((name) => name !== 'it')
  assert.ok(
    others.every((name) => /^\.it\.[0-9a-f]{8}\.unfinished$/.test(name)),
    names.join(),
  )
  if (!names.includes('it')) return false
  assert.equal(await sqlIn(join(folder, 'it'), format), await sqlIn(world.dump('sql'), 'sql'))
  return true
}

/** What writes the dump is the same for each format, and dies for plain SQL; in `npm run soak` for Kleidia's too. */
function isProvenBySql(format: Format, effect: string): boolean {
  return !SOAK && format === 'kleidia-v1' && !/spool|Kleidia/.test(effect)
}

/** The effect that makes the file be there. */
const NAMED = { sql: 'name dump', 'kleidia-v1': 'name Kleidia file' } as const

for (const format of ['sql', 'kleidia-v1'] as const) {
  test(
    `an export as ${format} that dies anywhere leaves all of the file or none, and the next one is good`,
    {
      timeout: 900_000,
    },
    async (t) => {
      await crashEverywhere<Format, string>(t, {
        fresh: async () => {
          await empty()
          return format
        },
        run: (_format, effects) => exportTo(world, point, format, effects),
        deathsAt: (effect) => (isProvenBySql(format, effect) ? [] : deathsOfTransfer(effect)),
        async recover(_format, { ended, effect, death }) {
          const isThere = await assertWholeOrNone(format)
          if (ended !== 'dead' && 'result' in ended) assert.ok(isThere)
          if (effect === NAMED[format]) assert.equal(isThere, death !== 'before', 'it was named')
          await assertListed(world, 1)
        },
      })
      await empty()
      await exportTo(world, point, format, directEffects)
      assert.ok(await assertWholeOrNone(format))
      assert.deepEqual(await readdir(folder), ['it'])
    },
  )
}

/** A custom dump is one file, as plain SQL is. */
for (const format of SOAK ? (['custom', 'directory'] as const) : (['directory'] as const)) {
  test(
    `an export in ${format} format has the effects of one in plain SQL, and dies like it`,
    {
      timeout: 300_000,
    },
    async () => {
      const [sql, other] = [recordingEffects(), recordingEffects()]
      await empty()
      await exportTo(world, point, 'sql', sql)
      await empty()
      await exportTo(world, point, format, other)
      assert.deepEqual(other.seen, sql.seen)
      assert.ok(await assertWholeOrNone(format))
      for (const [name, death, isThere] of [
        ['write dump', 'after', false],
        ['name dump', 'before', false],
        ['name dump', 'after', true],
      ] as const) {
        await empty()
        const effects = dyingEffects({ name, occurrence: 1 }, death)
        await settled(exportTo(world, point, format, effects))
        assert.ok(effects.reached())
        assert.equal(await assertWholeOrNone(format), isThere, `${death} ${name}`)
      }
    },
  )
}
