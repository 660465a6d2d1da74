/** All runs of one side that count. */
export type Side<Run> = readonly [Run, ...Run[]]

/**
 * Runs both sides in turn: a warm-up that does not count, then `rounds` that do. Who goes first changes every round, so
 * that what one side leaves in the caches helps and hurts both alike.
 */
export async function alternate<Ours, Peer>(
  rounds: number,
  ours: () => Promise<Ours>,
  peer: () => Promise<Peer>,
): Promise<{ ours: Side<Ours>; peer: Side<Peer> }> {
  await ours()
  await peer()
  const runs = { ours: [] as Ours[], peer: [] as Peer[] }
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 1) runs.peer.push(await peer())
    runs.ours.push(await ours())
    if (round % 2 === 0) runs.peer.push(await peer())
  }
  return { ours: atLeastOne(runs.ours), peer: atLeastOne(runs.peer) }
}

/** A warm-up that does not count, then `rounds` that do. */
export async function repeat<Run>(rounds: number, act: () => Promise<Run>): Promise<Side<Run>> {
  await act()
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) runs.push(await act())
  return atLeastOne(runs)
}

function atLeastOne<Run>([first, ...rest]: readonly Run[]): Side<Run> {
  if (first === undefined) throw new RangeError('rounds must be at least 1')
  return [first, ...rest]
}

export function median(values: Side<number>): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  // Both places exist in a list that is not empty.
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle] as number, sorted[middle] as number]
  return (low + high) / 2
}

/** The largest value that is known; undefined when none is. */
export function highest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** The same of each run; the list stays non-empty. */
export function each<Run, Value>([first, ...rest]: Side<Run>, of: (run: Run) => Value): Side<Value> {
  return [of(first), ...rest.map(of)]
}
