import { availableParallelism } from 'node:os'

/** Acts on the threads of Node's pool that pay off at once: as many as there are cores, and two to keep one waiting. */
export function defaultParallel(): number {
  return Math.max(2, availableParallelism())
}

/** Maps a stream with up to `parallel` acts at once, and gives the results in the order of the stream. */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  act: (item: Item) => Promise<Result>,
  parallel: number,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = []
  for await (const item of items) {
    const result = act(item)
    // It is awaited below, in its turn; when an earlier one fails, nobody asks for this one any more.
    result.catch(() => undefined)
    running.push(result)
    const first = running.length >= parallel ? running.shift() : undefined
    if (first !== undefined) yield await first
  }
  for (const result of running) yield await result
}
