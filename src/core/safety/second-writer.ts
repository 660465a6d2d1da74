/**
 * Who else writes: one that came back after another. Whoever takes over and stays is a successor; two that take turns are two
 * installations. `writers` are those of consecutive points, oldest first.
 */
export function secondWriter(writers: readonly string[]): string | undefined {
  const seen = new Set<string>()
  let last: string | undefined
  for (const writer of writers) {
    if (writer !== last && seen.has(writer)) return last
    seen.add(writer)
    last = writer
  }
  return undefined
}
