import { Command, InvalidArgumentError } from 'commander'
import { setMaxListeners } from 'node:events'
import { toFailure, failureKinds } from '../src/core/failure.ts'
import type { Context } from '../src/core/ports.ts'
import { systemClock } from '../src/system/clock.ts'
import { directEffects } from '../src/system/effects.ts'
import { SERVER_FACTS, withBench, withPlace } from './bench.ts'
import type { Bench, BenchOptions, Place } from './bench.ts'
import type { Measurement } from './measurement.ts'
import { measureBackup } from './measures/backup.ts'
import { measureHelp } from './measures/help.ts'
import { measureKeyFit } from './measures/key-fit.ts'
import { measureLoad } from './measures/load.ts'
import { measureMemory } from './measures/memory.ts'
import { measureOpenbao } from './measures/openbao.ts'
import { measurePoints } from './measures/points.ts'
import { measureRestore } from './measures/restore.ts'
import { measureRoutes } from './measures/routes.ts'
import { measureSwap } from './measures/swap.ts'
import { describeMachine, EXPLANATION, jsonLine, tableOf } from './report.ts'

type Measure = { readonly does: string; readonly onlyByName?: true } & (
  | { run(bench: Bench): Promise<readonly Measurement[]> }
  /** Needs no database. */
  | { alone(place: Place): Promise<readonly Measurement[]> }
)

/** In the order in which they run: the quick ones first. */
const MEASURES: Readonly<Record<string, Measure>> = {
  help: { does: 'how long holdfast --help takes', alone: async ({ context }) => [await measureHelp(context.signal)] },
  points: {
    does: 'how long holdfast points takes on 1,000 restore points',
    run: async (bench) => [await measurePoints(bench)],
  },
  backup: { does: 'a backup, next to pg_dump -Fc, -Fd -j2, pg_basebackup and restic', run: measureBackup },
  load: {
    does: 'what an application gets done beside a backup, and beside pg_dump -Fd -j2',
    run: async (bench) => [await measureLoad(bench)],
  },
  restore: { does: 'a restore, next to pg_restore -j2, pg_restore of -Fc and restic', run: measureRestore },
  swap: {
    does: 'how long a client gets no answer while a restore is swapped in',
    run: async (bench) => [await measureSwap(bench)],
  },
  memory: { does: 'the peak memory of backups of 200 MB and 2 GB, or --megabytes if that is more', run: measureMemory },
  'key-fit': { does: 'proofs that keys open data, next to bare derivations; and Argon2id', alone: measureKeyFit },
  openbao: { does: 'secrets of OpenBao, next to the bare API calls', alone: measureOpenbao },
  routes: {
    does: 'COPY from a pod by each route, next to host and port and to kubectl exec pg_dump; only by name, as root',
    onlyByName: true,
    alone: measureRoutes,
  },
}

interface CommandLine {
  readonly megabytes: number
  readonly rounds: number
  readonly keep?: true
  readonly json?: true
  readonly phases?: true
  readonly s3?: true
  readonly tcp?: true
  readonly secrets: number
  readonly versions: number
  readonly rows: number
  readonly gb: number
}

const program = new Command('bench')
  .description('Measures Holdfast side by side with the tools or calls that do the bare work, in one run.')
  .argument('[measures...]', `which: ${Object.keys(MEASURES).join(', ')} (all when none is named)`, chooseMeasure)
  .option('--megabytes <size>', 'size of the database as a plain dump, in 10^6 bytes', positive, 1300)
  .option('--rounds <count>', 'how often each side runs after the warm-up', positive, 1)
  .option('--keep', 'keep the database in $HOLDFAST_BENCH_CACHE or the cache folder, and use one that is there')
  .option('--phases', 'print the phases of each restore with their seconds and processor seconds')
  .option('--s3', 'keep restore points in an S3 server on the loopback, not in a folder')
  .option('--tcp', 'reach the server over TCP on the loopback, not over its unix socket')
  .option('--secrets <count>', 'how many secrets the measure openbao has', positive, 50_000)
  .option('--versions <count>', 'how many versions each of them has', positive, 1)
  .option('--rows <count>', 'how many values the measure key-fit opens', positive, 1000)
  .option('--gb <size>', 'size of the table of the measure routes, in 10^9 bytes', size, 1)
  .option('--json', 'print one JSON line per measure')
  .addHelpText('after', () => `\n${listOfMeasures()}`)
  .action(main)

function listOfMeasures(): string {
  const lines = Object.entries(MEASURES).map(([name, { does }]) => `  ${name.padEnd(8)} ${does}`)
  return lines.join('\n')
}

function chooseMeasure(name: string, previous: readonly string[] = []): readonly string[] {
  if (!Object.hasOwn(MEASURES, name)) throw new InvalidArgumentError(`There is: ${Object.keys(MEASURES).join(', ')}.`)
  return [...previous, name]
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1 up.')
  return value
}

function size(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Give a number above 0.')
  return value
}

async function main(names: readonly string[], line: CommandLine): Promise<void> {
  const { megabytes, rounds, secrets, versions, rows, gb: gigabytes } = line
  const context = contextOf(interruption())
  const flags = { keep: line.keep === true, phases: line.phases === true, s3: line.s3 === true, tcp: line.tcp === true }
  const options: BenchOptions = { megabytes, rounds, secrets, versions, rows, gigabytes, ...flags, context }
  const chosen = Object.entries(MEASURES).filter(([name, { onlyByName }]) =>
    names.length === 0 ? onlyByName !== true : names.includes(name),
  )
  if (chosen.every(([, measure]) => 'alone' in measure))
    await withPlace(options, async (place) => {
      console.error(describeMachine(placeFacts(options)))
      await measureAll(place, chosen, line.json === true)
    })
  else
    await withBench(options, async (bench) => {
      const facts = [
        bench.postgres.versionText,
        SERVER_FACTS,
        line.tcp === true ? 'over TCP' : 'over the unix socket',
        `tools ${bench.tools.versionText}`,
      ]
      console.error(describeMachine([...facts, ...placeFacts(options)]))
      await measureAll(bench, chosen, line.json === true)
    })
}

function placeFacts({ s3 }: BenchOptions): readonly string[] {
  return [s3 ? 'restore points in versitygw (S3) on the loopback' : 'restore points in a folder']
}

/** What was measured is printed even when a later measure fails. */
async function measureAll(
  place: Place | Bench,
  chosen: readonly (readonly [string, Measure])[],
  json: boolean,
): Promise<void> {
  const measurements: Measurement[] = []
  try {
    for (const [, measure] of chosen) {
      place.context.progress({ type: 'phase', phase: 'measure', detail: measure.does })
      const measured = await measureOne(place, measure)
      measurements.push(...measured)
      if (json) console.log(measured.map(jsonLine).join('\n'))
    }
  } finally {
    if (!json && measurements.length > 0) console.log(`\n${tableOf(measurements)}\n\n${EXPLANATION}`)
  }
}

async function measureOne(place: Place | Bench, measure: Measure): Promise<readonly Measurement[]> {
  if ('alone' in measure) return measure.alone(place)
  return 'postgres' in place ? measure.run(place) : []
}

function contextOf(signal: AbortSignal): Context {
  return { clock: systemClock, effects: directEffects, signal, progress: (event) => console.error(textOf(event)) }
}

function textOf(event: Parameters<Context['progress']>[0]): string {
  switch (event.type) {
    case 'phase':
      return event.detail ?? event.phase
    case 'bytes':
      return `${event.subject}: ${event.done} bytes`
    case 'note':
    case 'warning':
      return event.message
    default:
      return event satisfies never
  }
}

/** Ctrl-C stops the work; the server and the temporary folders are still removed. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

try {
  await program.parseAsync()
} catch (error) {
  const failure = toFailure(error)
  console.error(`bench: ${failure.message}${failure.hint === undefined ? '' : `\n${failure.hint}`}`)
  process.exitCode = failureKinds[failure.kind].exit
}
