import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { crc32 } from 'node:zlib'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { z } from 'zod'
import { Failure } from '../../src/core/failure.ts'
import type { Context } from '../../src/core/ports.ts'
import { findPlace } from '../../src/platforms/kubernetes/place/find.ts'
import { kubernetesReach, kubernetesSettings } from '../../src/platforms/kubernetes/schema.ts'
import type { Place } from '../../src/platforms/place.ts'
import { chooseRoute } from '../../src/platforms/routes/choose-route.ts'
import { openTunnel } from '../../src/platforms/routes/open-tunnel.ts'
import { probePostgres } from '../../src/platforms/routes/postgres-start.ts'
import { provenOutput } from '../../src/platforms/routes/proven-output.ts'
import { candidates } from '../../src/platforms/routes/relays/relays.ts'
import { systemClock } from '../../src/system/clock.ts'
import { directEffects } from '../../src/system/effects.ts'

/**
 * Reads a table, or a dump, of the database in a pod by one way, and prints how many bytes came and their checksum:
 * `node copy-through.ts <file>`, a process of its own so that its memory is seen.
 */
const work = z.object({
  kubeconfig: z.string(),
  namespace: z.string(),
  database: z.string(),
  /** `host and port`, a route, the program of a relay, `pg_dump, proven`, or `pg_dump by a bare exec`. */
  way: z.string(),
})

const [path = ''] = process.argv.slice(2)
const { kubeconfig, namespace, database, way } = work.parse(JSON.parse(await readFile(path, 'utf8')))
const context: Context = {
  clock: systemClock,
  effects: directEffects,
  signal: new AbortController().signal,
  progress: () => undefined,
}
const DUMP = ['pg_dump', '--host=/tmp', '--username=postgres', `--dbname=${database}`] as const
const settings = kubernetesSettings.parse({ kind: 'kubernetes', namespace, kubeconfig })
const place = await findPlace(settings, kubernetesReach.parse({ kind: 'kubernetes', pod: 'db' }), context)
const result = { bytes: 0, checksum: 0 }

async function add(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const chunk of chunks) {
    // A stream without an encoding gives bytes.
    const bytes = chunk as Uint8Array
    result.bytes += bytes.length
    result.checksum = crc32(bytes, result.checksum)
  }
}

async function copyFrom(host: string): Promise<void> {
  const client = new pg.Client({ host, port: 5432, user: 'postgres', database })
  await client.connect()
  await add(client.query(copyTo('copy measured to stdout')))
  await client.end()
}

/** The same container, in which no other program that could be a relay is there. */
function withOnly(program: string): Place {
  const others = candidates.map((one) => one.program).filter((name) => name !== program)
  return {
    name: place.name,
    image: place.image,
    addresses: (port, given) => place.addresses(port, given),
    variable: (name, given) => place.variable(name, given),
    start: (argv, given) =>
      others.includes(argv[0]) ? Promise.reject(new Failure('notFound', argv[0])) : place.start(argv, given),
  }
}

async function copyThrough(): Promise<void> {
  const isRoute = way === 'direct' || way === 'port-forward'
  const wanted = { route: isRoute ? way : 'exec-relay', probe: probePostgres } as const
  const { route } = await chooseRoute(isRoute ? place : withOnly(way), { port: 5432 }, wanted, context)
  const tunnel = await openTunnel(route, { name: '.s.PGSQL.5432' }, context)
  await copyFrom(tunnel.folder)
  await tunnel.close()
}

if (way === 'host and port') await copyFrom((await place.addresses(5432, context))[0]?.host ?? '')
else if (way === 'pg_dump, proven') await add(provenOutput(place, DUMP, undefined, context))
else if (way === 'pg_dump by a bare exec') {
  const program = await place.start(DUMP, context)
  program.stdin.end()
  await add(program.stdout)
  if ((await program.ended) !== 0) throw new Failure('toolFailed', program.stderr())
} else await copyThrough()
console.log(JSON.stringify(result))
if (process.stdout.writableLength > 0) await once(process.stdout, 'drain')
process.exit()
