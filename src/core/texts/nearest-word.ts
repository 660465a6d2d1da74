/**
 * The word of `words` that was most likely meant by `word`, or undefined when none is near. Case, `-` and `_` do not
 * count; one slip (a letter wrong, missing, added, or two swapped) is forgiven for every three letters, at least one.
 */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  const plain = plainOf(word)
  let best: { readonly word: string; readonly slips: number } | undefined
  for (const candidate of words) {
    const slips = slipsBetween(plain, plainOf(candidate))
    const forgiven = Math.max(1, Math.floor(Math.max(plain.length, candidate.length) / 3))
    if (slips > forgiven || slips >= candidate.length) continue
    if (best === undefined || slips < best.slips) best = { word: candidate, slips }
  }
  return best?.word
}

const LONGEST = 100

function plainOf(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '').slice(0, LONGEST)
}

/** Optimal string alignment distance, one row of the table at a time. */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const choices = [at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (isSame ? 0 : 1)]
      if (isSwap && row > 1 && column > 1) choices.push(at(beforeLast, column - 2) + 1)
      current.push(Math.min(...choices))
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}
