import { structuredPatch } from 'diff'
import { describe } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import { readDefinitions } from './definitions.ts'
import { definitionIn } from './fingerprint-compare.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import type { Definitions, Reference } from '../reference/reference.ts'

/** More objects than this are named, and their texts are not read. */
const MOST_OBJECTS = 100
const MOST_LINES = 200
/** Two texts with more changes than this are two texts: the search for the fewest lines takes the square of it. */
const MOST_EDITS = 500
/** Their options hold passwords. */
const SECRET = /^(?:USER MAPPING|SUBSCRIPTION|SERVER) /
const SECRET_SHOWN: readonly string[] = ['(not shown: its options may hold a password)']

export interface Texts {
  readonly place: LoadTarget
  /** How the server of `place` words what was captured; its wording makes the shorter diff. */
  readonly worded: Definitions | undefined
  readonly reference: Reference | undefined
}

/** The same differences, with a unified diff for each definition of which both texts are known. */
export async function withDiffs(
  differences: readonly Difference[],
  { place, worded, reference }: Texts,
  context: Context,
): Promise<Difference[]> {
  const names = new Set(differences.flatMap((one) => definitionIn(one) ?? []).slice(0, MOST_OBJECTS))
  if (names.size === 0 || reference === undefined) return [...differences]
  try {
    const archived = await reference.archived(names, context)
    const live = await readDefinitions({ ...place, texts: names }, context)
    const found = new Map(live.map((one) => [one.name, one.text]))
    const textOf = (name: string): string | undefined => worded?.get(name)?.text ?? archived.get(name)?.text
    return differences.map((one) => withDiff(one, textOf, found))
  } catch (error) {
    if (context.signal.aborted) throw error
    // That they differ is known already, and must not be lost because their texts cannot be read.
    context.progress({ type: 'warning', message: `texts of definitions cannot be shown: ${describe(error)}` })
    return [...differences]
  }
}

function withDiff(
  one: Difference,
  textOf: (name: string) => string | undefined,
  found: ReadonlyMap<string, string | undefined>,
): Difference {
  const name = definitionIn(one) ?? ''
  const [before, after] = [textOf(name), found.get(name)]
  if (before === undefined || after === undefined || before === after) return one
  return { ...one, diff: shownDiff(name, before, after) }
}

function shownDiff(name: string, before: string, after: string): readonly string[] {
  return SECRET.test(name) ? SECRET_SHOWN : definitionDiff(before, after)
}

/** The lines of a unified diff, without a head; what is too long is cut and said. Control characters are escaped. */
export function definitionDiff(before: string, after: string): readonly string[] {
  const patch = structuredPatch('', '', before, after, undefined, undefined, { context: 3, maxEditLength: MOST_EDITS })
  if (patch === undefined) return [`(not shown: more than ${MOST_EDITS} lines differ)`]
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines.map(printable),
  ])
  const more = lines.length - MOST_LINES
  return more > 0 ? [...lines.slice(0, MOST_LINES), `(${more} more lines)`] : lines
}

/** What a terminal would take for a command, as PostgreSQL's own escapes show it. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
