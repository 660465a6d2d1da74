import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from './lab.ts'

const LIMIT = 180_000

/** Looks until `find` gives something. Fails after minutes: what a test waits for happens within seconds, or later on a machine that has much to do, or never. */
export async function until<Found>(what: string, find: () => Promise<Found | undefined>): Promise<Found> {
  for (const deadline = Date.now() + LIMIT; Date.now() < deadline;) {
    const found = await find()
    if (found !== undefined) return found
    await sleep(10)
  }
  throw new Error(`${what} did not happen within ${LIMIT / 1000} s`)
}

/** The server process that copies the table `big` out of or into a database whose name is LIKE this. */
export async function copying(lab: Lab, database: string): Promise<number> {
  return await until(`a COPY in ${database}`, async () => {
    const rows = await lab.postgres.sql(
      'postgres',
      `select pid from pg_stat_activity where datname like $1 and state = 'active' and query ~* 'copy' and query ~ 'big'`,
      [database],
    )
    return rows[0] === undefined ? undefined : Number(rows[0]['pid'])
  })
}

/** Everything under `data/`, of points that are listed or not. */
export async function dataOf(lab: Lab): Promise<readonly string[]> {
  const points = await readdir(join(lab.repository, 'data')).catch(() => [])
  const names = await Promise.all(
    points.map(async (point) => (await readdir(join(lab.repository, 'data', point))).map((name) => `${point}/${name}`)),
  )
  return names.flat().toSorted()
}

/** Makes a table that takes a while to read and to load. */
export async function addBigTable(lab: Lab, rows = 80_000): Promise<void> {
  await lab.sql(
    `create table big as select n, (select string_agg(md5(random()::text || n || i), '') from generate_series(1, 25) i) as text from generate_series(1, ${rows}) n`,
  )
}
