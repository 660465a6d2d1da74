import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startThrowAway } from '../../src/components/openbao/private-server/throw-away.ts'
import type { ThrowAwayServer } from '../../src/components/openbao/private-server/throw-away.ts'
import { findBao, testOpenbao } from '../../test/parts/openbao.ts'
import { projectRoot } from '../bench.ts'
import type { Place } from '../bench.ts'
import { ownPeak, runMeasured } from '../child.ts'
import type { ChildRun } from '../child.ts'
import { measurementOf, peakGoal, ratio, timeGoal } from '../measurement.ts'
import type { Goal, Measurement } from '../measurement.ts'
import { makeProjectOf } from '../project.ts'
import type { Side } from '../rounds.ts'

const LIMIT_SECONDS = 60
const MOST_TO_BARE = 1.2
const MOUNT = 'kv'

/** One round: the same secrets written, captured, restored into an empty server, and the same by bare calls. */
interface Round {
  readonly write: ChildRun
  readonly read: ChildRun
  readonly backup: ChildRun
  readonly restore: ChildRun
}

/**
 * KV version 2 secrets on raft storage over loopback. A backup reads and stores them; a restore writes them in place into an
 * empty server and compares every one. What a swap keeps on the server besides, for undo, is not measured. The peer writes or reads them and keeps nothing: one call for each version, and one for the
 * metadata of 500 secrets; beside the restore, it also reads once what it wrote. Neither takes the raft snapshot.
 * There is no warm-up: every run has minutes of its own.
 */
export async function measureOpenbao(place: Place): Promise<readonly Measurement[]> {
  const [first, ...rest] = await roundsOf(place)
  const { secrets, versions } = place.options
  const work = `${secrets} secrets of OpenBao, ${versions} version${versions === 1 ? '' : 's'} each`
  const of = (what: (round: Round) => ChildRun): Side<ChildRun> => [what(first), ...rest.map(what)]
  const [backup, restore, both] = [
    measured(
      'holdfast backup',
      of(({ backup: run }) => run),
      of(({ read }) => read),
    ),
    measured(
      'holdfast restore',
      of(({ restore: run }) => run),
      of(({ write, read }) => together(write, read)),
    ),
    measured(
      'holdfast backup and restore',
      of((round) => together(round.backup, round.restore)),
      of(({ write, read }) => together(together(read, write), read)),
    ),
  ]
  return [
    { ...backup, work: `back up ${work}`, goals: [bareGoal(backup), peakGoal(backup)] },
    { ...restore, work: `restore ${work}`, goals: [bareGoal(restore), peakGoal(restore)] },
    { ...both, work: `both, ${work}`, goals: [timeGoal(both, LIMIT_SECONDS), bareGoal(both)] },
  ]
}

function measured(ours: string, own: Side<ChildRun>, peer: Side<ChildRun>): Measurement {
  const measurement = measurementOf({ work: '', ours, peer: 'bare API calls' }, own, peer)
  return { ...measurement, peerPeakRssMib: ownPeak(peer[0]) }
}

function together(one: ChildRun, other: ChildRun): ChildRun {
  const peaks = new Map(one.peaks)
  for (const [program, mib] of other.peaks ?? []) peaks.set(program, Math.max(mib, peaks.get(program) ?? 0))
  return { seconds: one.seconds + other.seconds, stdout: '', peaks }
}

function bareGoal(measurement: Measurement): Goal {
  const reached = ratio(measurement)
  return {
    text: `at most ${MOST_TO_BARE} times the bare calls`,
    met: reached === undefined ? undefined : 1 / reached <= MOST_TO_BARE,
  }
}

async function roundsOf(place: Place): Promise<Side<Round>> {
  const first = await round(place, 1)
  const rest: Round[] = []
  for (let number = 2; number <= place.options.rounds; number += 1) rest.push(await round(place, number))
  return [first, ...rest]
}

async function round(place: Place, number: number): Promise<Round> {
  const folder = join(place.folder, `openbao-${number}`)
  await mkdir(folder, { mode: 0o700 })
  const project = { place, name: `openbao-${number}/project` }
  const taken = await withServer(place, join(folder, 'source'), async (server) => {
    const write = await bare(place, server, 'write')
    const backup = await run(project, server, ['backup', 'bench', '--json'])
    return { write, backup, read: await bare(place, server, 'read') }
  })
  const restore = await withServer(place, join(folder, 'target'), (server) =>
    run(project, server, ['restore', 'bench', '--target', 'in-place', '--no-safety-point', '--yes', '--json']),
  )
  return { ...taken, restore }
}

async function withServer<Result>(
  { context }: Place,
  folder: string,
  act: (server: ThrowAwayServer) => Promise<Result>,
): Promise<Result> {
  await mkdir(folder, { mode: 0o700 })
  const program = await findBao()
  const server = await startThrowAway({ program, folder, storage: 'raft', context })
  try {
    const body = { type: 'kv', options: { version: '2' } }
    await testOpenbao(server, program).must('POST', `sys/mounts/${MOUNT}`, body)
    return await act(server)
  } finally {
    await server.stop()
  }
}

/** The same repository and keys for both servers: only address and token change. */
async function run(
  { place, name }: { readonly place: Place; readonly name: string },
  server: ThrowAwayServer,
  args: readonly string[],
): Promise<ChildRun> {
  const tokenFile = join(place.folder, `${name.replaceAll('/', '-')}-token`)
  await writeFile(tokenFile, server.rootToken.reveal(), { mode: 0o600 })
  const component = { kind: 'openbao', address: server.address, token: `file:${tokenFile}`, snapshot: 'off' }
  const project = await makeProjectOf(place, name, { keys: component })
  return project.run(args, (line) => place.options.phases && place.context.progress({ type: 'note', message: line }))
}

function bare({ options, context }: Place, server: ThrowAwayServer, act: 'write' | 'read'): Promise<ChildRun> {
  return runMeasured({
    file: process.execPath,
    args: [
      join(projectRoot, 'bench', 'bare-openbao.ts'),
      act,
      server.address,
      String(options.secrets),
      String(options.versions),
    ],
    environment: { BAO_TOKEN: server.rootToken.reveal() },
    signal: context.signal,
  })
}
