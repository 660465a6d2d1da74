import { describe } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import { exists } from '../points/blobs.ts'
import type { Chain } from './catalog.ts'
import type { Commit } from '../documents/documents.ts'
import type { Seen } from '../memory.ts'
import { commitName } from '../names.ts'
import type { RepositoryState } from './state.ts'

export interface Comparison {
  /** Points that this machine saw before and that are gone without a tombstone. */
  readonly vanished: readonly string[]
  readonly alarms: readonly string[]
  readonly highestSequence: number
}

/**
 * Compares a repository with what this machine saw of it before, and remembers the new. What has vanished stays
 * remembered, so that the alarm does not end by itself.
 */
export async function compareWithMemory(state: RepositoryState, chain: Chain, context: Context): Promise<Comparison> {
  const seen = await state.memory.load(state.id)
  const present = new Map(chain.commits.map(({ commit, sha256 }) => [commit.point, sha256]))
  const vanished = await vanishedPoints(state, seen, chain, context)
  const highest = highestSequence(chain)
  const highestEver = Math.max(highest, seen.highestSequence)
  const forgotten = Object.entries(seen.points).filter(
    ([point]) => !vanished.includes(point) && !isDamaged(chain, point),
  )
  const now = { ...seen, points: nextPoints(seen, present, forgotten), highestSequence: highestEver }
  await remember(state, seen, now, context)
  return {
    vanished,
    alarms: [...vanished.map(vanishedAlarm), ...changedAlarms(seen, present), ...rollbackAlarm(highest, seen, chain)],
    highestSequence: highestEver,
  }
}

function highestSequence(chain: Chain): number {
  const sequences = [
    ...chain.commits.map(({ commit }) => commit.sequence),
    ...chain.tombstones.map(({ removed }) => removed.commit.sequence),
  ]
  return sequences.reduce((highest, sequence) => Math.max(highest, sequence), 0)
}

async function vanishedPoints(state: RepositoryState, seen: Seen, chain: Chain, context: Context): Promise<string[]> {
  const known = new Set([
    ...chain.commits.map(({ commit }) => commit.point),
    ...chain.tombstones.map(({ tombstone }) => tombstone.point),
  ])
  const missing = Object.keys(seen.points).filter((point) => !known.has(point) && !isDamaged(chain, point))
  const vanished: string[] = []
  for (const point of missing) {
    // An undeletion may have come between the look at the commits and the look at the tombstones.
    if (!(await exists(state.storage, commitName(point), context.signal))) vanished.push(point)
  }
  return vanished
}

function isDamaged(chain: Chain, point: string): boolean {
  return chain.damaged.some((damaged) => damaged.point === point)
}

function nextPoints(
  seen: Seen,
  present: ReadonlyMap<string, string>,
  forgotten: readonly (readonly [string, string])[],
): Record<string, string> {
  const points = new Map([...Object.entries(seen.points), ...present])
  for (const [point] of forgotten) if (!present.has(point)) points.delete(point)
  return Object.fromEntries(points)
}

function vanishedAlarm(point: string): string {
  return `restore point ${point} was here before and is gone without a tombstone: something other than Holdfast removed it`
}

function changedAlarms(seen: Seen, present: ReadonlyMap<string, string>): string[] {
  const changed = Object.entries(seen.points).filter(
    ([point, hash]) => present.has(point) && present.get(point) !== hash,
  )
  return changed.map(([point]) => changedAlarm(point))
}

function changedAlarm(point: string): string {
  return `the commit of restore point ${point} is not the one that was here before`
}

/** A commit that is there and cannot be read now may be the one with the highest number. */
function rollbackAlarm(highest: number, seen: Seen, { damaged }: Chain): string[] {
  const isUnread = damaged.some(({ point, kind }) => kind === 'unread' && point in seen.points)
  if (highest >= seen.highestSequence || isUnread) return []
  return [
    `the repository is older than what this machine saw before: sequence ${highest} after ${seen.highestSequence}`,
  ]
}

/**
 * Forgets the points that are gone and takes those that changed as they are, for the alarms that are known. That a
 * repository is older than before ends with its next point, whose number is higher than all that were seen.
 */
export async function takeAsKnown(
  state: RepositoryState,
  chain: Chain,
  isKnown: (alarm: string) => boolean,
  context: Context,
): Promise<void> {
  const seen = await state.memory.load(state.id)
  const points = new Map(Object.entries(seen.points))
  for (const point of await vanishedPoints(state, seen, chain, context))
    if (isKnown(vanishedAlarm(point))) points.delete(point)
  for (const { commit, sha256 } of chain.commits)
    if (points.has(commit.point) && isKnown(changedAlarm(commit.point))) points.set(commit.point, sha256)
  await state.memory.save(state.id, { ...seen, points: Object.fromEntries(points) })
}

async function remember(state: RepositoryState, before: Seen, now: Seen, context: Context): Promise<void> {
  if (JSON.stringify(before) === JSON.stringify(now)) return
  await orWarn(state, context, () => state.memory.save(state.id, now))
}

/** Remembers a point from the moment it was committed: it may vanish before anybody lists the repository again. */
export async function rememberPoint(
  state: RepositoryState,
  commit: Commit,
  commitSha256: string,
  context: Context,
): Promise<void> {
  await orWarn(state, context, async () => {
    const seen = await state.memory.load(state.id)
    const points = { ...seen.points, [commit.point]: commitSha256 }
    const highestSequence = Math.max(seen.highestSequence, commit.sequence)
    await state.memory.save(state.id, { ...seen, points, highestSequence })
  })
}

/** A full disk here must not stop a backup or restore there: not to remember is said, and the act goes on. */
async function orWarn(state: RepositoryState, context: Context, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    const message = `this machine cannot remember what it saw of ${state.storage.location}: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}
