import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { DumpFormat } from '../../src/components/capabilities/dumps.ts'
import type { Effects } from '../../src/core/ports.ts'
import type { ImportReport } from '../../src/operations/import/import.ts'
import type { KleidiaReport } from '../../src/interop/kleidia-v1/import-kleidia.ts'
import { sampleFile, sampleHeader } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { directEffects } from '../../src/system/effects.ts'
import { dyingEffects, recordingEffects, type EffectAt } from '../parts/dying-effects.ts'
import { crashEverywhere, settled, type Crash } from './matrix.ts'
import {
  assertListed,
  assertSwept,
  deathsOfTransfer,
  importDump,
  importKleidia,
  startTransfers,
} from './transfer-lab.ts'

/**
 * All runs of a test are in one world, one after the other: each is the next run of the one before it, and the last one, which
 * nothing disturbs, has what all of them left.
 */
const database = await startTransfers(['database'])
const keys = await startTransfers(['keys'])
const both = await startTransfers(['database', 'keys'])
after(() => Promise.all([database, keys, both].map((world) => world.close())))

const COMMIT = /^put points\//
const SOAK = process.env['HOLDFAST_SOAK'] === '1'

/** Whether a run committed that died there. */
function committed(seen: readonly EffectAt[], { effect, death }: Crash<unknown>): boolean {
  const at = seen.findIndex(({ name }) => name === effect)
  const commit = seen.findIndex(({ name }) => COMMIT.test(name))
  return at > commit || (at === commit && death !== 'before')
}

test(
  'an import of a dump that dies anywhere lists nothing that is not whole, and the next one is good',
  {
    timeout: 1_200_000,
  },
  async (t) => {
    const listing = recordingEffects()
    assert.equal((await importDump(database, 'sql', listing)).outcome, 'done')
    let points = 1
    // The matrix lists the effects from a run, too.
    points += 1
    await crashEverywhere<typeof database, ImportReport>(t, {
      fresh: () => Promise.resolve(database),
      run: (world, effects) => importDump(world, 'sql', effects),
      deathsAt: deathsOfTransfer,
      async recover(world, crash) {
        // A lost answer to an effect before the commit fails the run, unless the effect was tried again.
        const isDone = crash.ended !== 'dead' && 'result' in crash.ended
        const isLost = crash.death === 'lost'
        if (isLost ? isDone || committed(listing.seen, crash) : committed(listing.seen, crash)) points += 1
        await assertListed(world, points)
        if (isLost && !isDone) assert.ok(!committed(listing.seen, crash), 'an import that told of failure is listed')
      },
    })
    assert.equal((await importDump(database, 'sql', directEffects)).outcome, 'done')
    await assertListed(database, points + 1)
    await assertSwept(database)
  },
)

async function assertSameEffects(format: DumpFormat): Promise<void> {
  const [sql, other] = [recordingEffects(), recordingEffects()]
  await importDump(database, 'sql', sql)
  await importDump(database, format, other)
  assert.deepEqual(other.seen, sql.seen)
}

/** A custom dump is one file, as plain SQL is. */
for (const format of SOAK ? (['custom', 'directory'] as const) : (['directory'] as const)) {
  test(
    `an import of a dump in ${format} format has the effects of one in plain SQL, and dies like it`,
    {
      timeout: 300_000,
    },
    async () => {
      await assertSameEffects(format)
      const before = (await assertListed(database, await count())).length
      for (const [name, death, more] of [
        ['load dump', 'after', 0],
        ['put points/<point>.json', 'before', 0],
        ['put points/<point>.json', 'after', 1],
      ] as const) {
        const effects = dyingEffects({ name, occurrence: 1 }, death)
        const now = await count()
        await settled(importDump(database, format, effects))
        assert.ok(effects.reached())
        await assertListed(database, now + more)
      }
      await importDump(database, format, directEffects)
      await assertListed(database, before + 2)
    },
  )
}

async function count({ testHost }: Pick<typeof keys, 'testHost'> = database): Promise<number> {
  const { points } = await (await testHost.repository()).catalog(testHost.context())
  return points.length
}

function kleidiaFile(number: number, sql?: string): Uint8Array {
  const header = { ...sampleHeader, includes_db: sql !== undefined }
  const text = sql === undefined ? '' : `"database_sql":${JSON.stringify(sql)},`
  return sampleFile({ json: `{"header":${JSON.stringify(header)},${text}"vault_secrets":{"a":{"number":${number}}}}` })
}

const outcomes = ({ files }: KleidiaReport): readonly string[] => files.map(({ outcome }) => outcome)

test(
  'an import of a Kleidia file that dies anywhere lists nothing that is not whole, and the next one passes over what is there',
  {
    timeout: 600_000,
  },
  async (t) => {
    await importKleidia(keys, kleidiaFile(0), directEffects)
    let number = 0
    let before = 0
    await crashEverywhere<typeof keys, KleidiaReport>(t, {
      fresh: () => Promise.resolve(keys),
      async run(world, effects) {
        before = await count(world)
        return importKleidia(world, kleidiaFile((number += 1)), effects)
      },
      async recover(world) {
        // A run that died may leave what this machine remembers behind what is listed, so only the list says what it did.
        const wasDone = (await count(world)) > before
        const again = outcomes(await importKleidia(world, kleidiaFile(number), directEffects))
        assert.deepEqual(again, [wasDone ? 'imported before' : 'imported'])
        await assertListed(world, number + 1)
      },
    })
    await assertSwept(keys)
  },
)

test(
  'a Kleidia file with a database that dies while it is loaded or stored is in no list, and the next run takes it',
  {
    timeout: 600_000,
  },
  async () => {
    const file = kleidiaFile(0, both.sql)
    const run = (effects: Effects): Promise<KleidiaReport> => importKleidia(both, file, effects)
    for (const [name, death] of [
      ['load dump', 'before'],
      ['load dump', 'after'],
      ['put points/<point>.json', 'before'],
    ] as const) {
      const effects = dyingEffects({ name, occurrence: 1 }, death)
      await settled(run(effects))
      assert.ok(effects.reached(), name)
      await assertListed(both, 0)
    }
    assert.deepEqual(outcomes(await run(dyingEffects({ name: 'put points/<point>.json', occurrence: 1 }, 'lost'))), [
      'imported',
    ])
    assert.deepEqual(outcomes(await run(directEffects)), ['imported before'])
    await assertListed(both, 1)
    await assertSwept(both)
  },
)
