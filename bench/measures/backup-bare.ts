import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { withSession } from '../../src/components/postgres/connection/connection.ts'
import { automaticLanes } from '../../src/components/postgres/connection/pace.ts'
import { copyOutOf, planLanes, withoutRows } from '../../src/components/postgres/capture/lanes.ts'
import { queryOne } from '../../src/components/postgres/connection/query.ts'
import { projectRoot } from '../bench.ts'
import type { Bench } from '../bench.ts'
import { runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { settle } from '../database.ts'
import type { Goal, Measurement } from '../measurement.ts'
import { environmentOf } from '../peer.ts'
import { repeat } from '../rounds.ts'
import type { Side } from '../rounds.ts'

const MOST_TO_BARE = 1.25
export const BARE = 'what cannot be avoided: COPY | zstd -1 | AES-256-GCM'

/** How many lanes a backup reads at once on this machine while nobody else is busy. */
const LANES = automaticLanes(availableParallelism(), 0)

/** The same lanes by as many workers as a backup has, to nowhere. */
export async function measureBare(bench: Bench, database: string): Promise<Side<ChildRun>> {
  const { context, folder, tools, options } = bench
  const path = join(folder, 'bare.json')
  const { lanes, copies } = await lanesOf(bench, database)
  const psql = join(dirname(tools.pgDump), 'psql')
  const rest = ['--format=custom', '--compress=0', ...withoutRows(lanes)]
  await writeFile(path, JSON.stringify({ psql, pgDump: tools.pgDump, rest, lanes: copies, workers: LANES }))
  const environment = { ...environmentOf(bench), PGDATABASE: database, PGOPTIONS: '-c jit=off' }
  const args = [join(projectRoot, 'bench', 'bare-backup.ts'), path]
  return repeat(options.rounds, async () => {
    await settle(bench)
    return runMeasured({ file: process.execPath, args, environment, signal: context.signal })
  })
}

function lanesOf(bench: Bench, database: string) {
  return withSession(bench.postgres.server, database, bench.context, async (session) => {
    const sql = 'select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()'
    const { encoding } = await queryOne(session, z.object({ encoding: z.string() }), sql)
    const lanes = await planLanes(session)
    return { lanes, copies: lanes.map((lane) => copyOutOf(lane, encoding)) }
  })
}

const report = z.object({ report: z.object({ point: z.string() }) })

/** The restore point that a backup with `--json` made. */
export function pointOf({ stdout }: ChildRun): string {
  const parsed: unknown = JSON.parse(stdout)
  return report.parse(parsed).report.point
}

/** The bare work reads nothing back, so that this part of our time is shown apart. */
export function bareGoal({ oursSeconds, peerSeconds }: Measurement, readBack: number): Goal {
  const text = `at most ${MOST_TO_BARE} times it without the ${readBack.toFixed(2)} s of reading back`
  if (peerSeconds === undefined) return { text, met: undefined }
  const [times, whole] = [(oursSeconds - readBack) / peerSeconds, oursSeconds / peerSeconds]
  return { text: `${text} (${times.toFixed(2)}; with it ${whole.toFixed(2)})`, met: times <= MOST_TO_BARE }
}

const MOST_FOR_FINGERPRINT = 25

/** How much of a backup's time the fingerprint takes: what is saved by leaving it to drills. */
export function fingerprintGoal(whole: number, without: number): Goal {
  const percent = (100 * (whole - without)) / whole
  return {
    text: `fingerprint under ${MOST_FOR_FINGERPRINT} % of the time (${percent.toFixed(0)} %)`,
    met: percent < MOST_FOR_FINGERPRINT,
  }
}
