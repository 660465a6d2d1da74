import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { Failure } from '../../src/core/failure.ts'
import { candidates } from '../../src/platforms/routes/relays/relays.ts'
import { projectRoot } from '../bench.ts'
import type { Place } from '../bench.ts'
import { ownPeak, runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { measurementOf, peakGoal } from '../measurement.ts'
import type { Goal, Measurement } from '../measurement.ts'
import { withPod, type BenchPod } from '../routes/pod.ts'
import type { Side } from '../rounds.ts'

const COPIES = ['direct', 'port-forward', ...candidates.map(({ program }) => program)]
const [PLAIN, PROVEN, BARE, KUBECTL] = [
  'host and port',
  'pg_dump, proven',
  'pg_dump by a bare exec',
  'kubectl exec pg_dump',
]
const [SMALL, LARGE] = ['small', 'large']
const FLAT_MIB = 32

/** A way that was tried on the small database, for its memory, and then in each round on the large one. */
interface Tried {
  readonly way: string
  readonly small: ChildRun
  readonly runs: Side<ChildRun>
}

/**
 * The same table by COPY through each route, beside a connection by host and port and beside `kubectl exec pg_dump`, all from
 * the network of the node. Every COPY must give the same bytes, and every dump as many. The warm-up is a tenth of the size,
 * which also shows whether memory grows.
 */
export function measureRoutes({ options, context, folder }: Place): Promise<readonly Measurement[]> {
  return withPod(folder, context, async (pod) => {
    const megabytes = Math.max(1, Math.round(options.gigabytes * 1000))
    await fill(pod, SMALL, Math.max(1, Math.round(megabytes / 10)))
    await fill(pod, LARGE, megabytes)
    const dump = (await hasKubectl()) ? KUBECTL : BARE
    const ways = [PLAIN, ...COPIES, PROVEN, dump]
    const run = (way: string, database: string): Promise<ChildRun> => {
      context.progress({ type: 'phase', phase: 'measure', detail: `${database} by ${way}` })
      return way === KUBECTL ? byKubectl(pod, database) : byUs(pod, { way, database })
    }
    const tried = await inTurn(ways, options.rounds, run)
    requireEqual(tried)
    return measurementsOf(tried, dump, `${megabytes} MB`)
  })

  function byUs(pod: BenchPod, { way, database }: { way: string; database: string }): Promise<ChildRun> {
    const path = join(folder, 'copy.json')
    const [file, ...prefix] = pod.inNetwork
    const args = [...prefix, process.execPath, join(projectRoot, 'bench', 'routes', 'copy-through.ts'), path]
    const { kubeconfig, namespace } = pod
    const writing = writeFile(path, JSON.stringify({ kubeconfig, namespace, way, database }))
    return writing.then(() => runMeasured({ file, args, signal: context.signal }))
  }

  function byKubectl({ inNetwork: [file, ...prefix], ...pod }: BenchPod, database: string): Promise<ChildRun> {
    const script =
      'set -o pipefail; kubectl --kubeconfig "$1" -n "$2" exec db -- pg_dump -h /tmp -U postgres -d "$3" | wc -c'
    const args = [...prefix, 'bash', '-c', script, 'bash', pod.kubeconfig, pod.namespace, database]
    return runMeasured({ file, args, signal: context.signal })
  }
}

/** About a kilobyte a row. */
async function fill(pod: BenchPod, database: string, megabytes: number): Promise<void> {
  await pod.sql('postgres', `create database ${database}`)
  const text = `md5(n::text) || repeat(md5((n * 7)::text), 30) as text`
  await pod.sql(database, `create table measured as select n, ${text} from generate_series(1, ${megabytes * 1000}) n`)
  await pod.sql(database, 'checkpoint')
}

/** The order is turned round every other round, so that what one leaves in the caches helps and hurts all alike. */
async function inTurn(
  ways: readonly string[],
  rounds: number,
  run: (way: string, database: string) => Promise<ChildRun>,
): Promise<readonly Tried[]> {
  const small = new Map<string, ChildRun>()
  for (const way of ways) small.set(way, await run(way, SMALL))
  const runs = new Map<string, ChildRun[]>(ways.map((way) => [way, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) runs.get(way)?.push(await run(way, LARGE))
  return ways.flatMap((way) => {
    const [warm, [first, ...rest] = []] = [small.get(way), runs.get(way)]
    return warm === undefined || first === undefined ? [] : [{ way, small: warm, runs: [first, ...rest] as const }]
  })
}

const given = z.object({ bytes: z.number(), checksum: z.number() })

function requireEqual(tried: readonly Tried[]): void {
  const copies = new Set<string>()
  const dumps = new Set<number>()
  for (const { way, runs } of tried)
    for (const { stdout } of runs) {
      const parsed: unknown = JSON.parse(stdout)
      if (way === KUBECTL) dumps.add(Number(parsed))
      else if (way === PROVEN || way === BARE) dumps.add(given.parse(parsed).bytes)
      else copies.add(JSON.stringify(given.parse(parsed)))
    }
  if (copies.size !== 1 || dumps.size !== 1)
    throw new Failure(
      'bug',
      `not the same came by every way: ${[...copies].join(' ')}; dumps of ${[...dumps].join(', ')} bytes`,
    )
}

function measurementsOf(tried: readonly Tried[], dump: string, size: string): readonly Measurement[] {
  const of = (way: string): Tried | undefined => tried.find((one) => one.way === way)
  const beside = (work: string, ours: Tried, peer: string): Measurement =>
    measurementOf({ work, ours: ours.way, peer }, ours.runs, of(peer)?.runs)
  return tried.flatMap((one) => {
    if (one.way === dump) return []
    const name = COPIES.indexOf(one.way) > 1 ? `exec-relay (${one.way})` : one.way
    const whole = one.way === PROVEN ? [] : [beside(`COPY ${size} by ${name}, beside ${PLAIN}`, one, PLAIN)]
    const dumped = beside(one.way === PROVEN ? `${PROVEN}, ${size}, beside ${dump}` : `  beside ${dump}`, one, dump)
    const [first, ...rest] = [...whole, dumped]
    // A connection by host and port is what the routes are held against, no route.
    const goals = first === undefined || one.way === PLAIN ? [] : [peakGoal(first), flatGoal(one)]
    return first === undefined ? [] : [{ ...first, goals }, ...rest]
  })
}

function flatGoal({ small, runs: [large] }: Tried): Goal {
  const [before, after] = [ownPeak(small), ownPeak(large)]
  const text = `within ${FLAT_MIB} MiB of the peak for a tenth`
  return { text, met: before === undefined || after === undefined ? undefined : after - before < FLAT_MIB }
}

function hasKubectl(): Promise<boolean> {
  return promisify(execFile)('kubectl', ['version', '--client']).then(
    () => true,
    () => false,
  )
}
