import type pg from 'pg'
import { Failure } from '../../../../core/failure.ts'
import type { Context } from '../../../../core/ports.ts'
import { literal, withSession } from '../../connection/connection.ts'
import { applySettings } from '../session-settings.ts'
import type { ContentsLine } from './entries/contents.ts'
import { readEntry, withRows, type Entry } from './entries/entry.ts'
import { exemptOf, goWithout, type LeftOver } from './go-without.ts'
import { loadObject, type Outcome } from './load-object.ts'
import { loadRowsAgain } from './load-rows-again.ts'
import type { SecondPass } from './pass.ts'
import { searchPaths } from './search-paths.ts'
import { acceptIdOf, NOTHING_EXEMPT, type Exempt, type WayTaken } from './way.ts'

/**
 * Loads the entries of a dump that pg_restore could not load, in the order of the dump: what failed only because something
 * before it did is tried again, the rest by other ways. Gives the ways taken, besides those of `before`. Fails with `refused` and names all that is
 * left over, unless the operator accepted to go without it.
 */
export async function loadAgain(
  pass: SecondPass,
  failed: ReadonlyMap<number, string>,
  before: readonly WayTaken[],
  context: Context,
): Promise<readonly WayTaken[]> {
  const again = pass.lines.filter(({ id }) => failed.has(id))
  if (again.length === 0) return []
  const { place } = pass
  return withSession(place.server, place.database, context, async (session) => {
    await applySettings(session, place.settings ?? {})
    const loading = { pass, session, before, paths: await searchPaths(session, pass.details) }
    return loadEach(loading, again, failed, context)
  })
}

interface Loading {
  readonly pass: SecondPass
  readonly session: pg.Client
  /** What earlier passes of the same load did. */
  readonly before: readonly WayTaken[]
  readonly paths: readonly string[]
}

async function loadEach(
  loading: Loading,
  again: readonly ContentsLine[],
  failed: ReadonlyMap<number, string>,
  context: Context,
): Promise<readonly WayTaken[]> {
  const taken: WayTaken[] = []
  const leftOver: LeftOver[] = []
  for (const line of again) {
    const entry = await readEntry(loading.pass.place, loading.pass.dump, line.line, context)
    const outcome = await loadOne(loading, line, entry, context)
    if ('refused' in outcome) {
      const left = { line: line.line, entry, refused: outcome.refused }
      const without = await goWithout(loading.pass, loading.session, left, [...loading.before, ...taken], context)
      if (without === undefined) leftOver.push(left)
      else taken.push(without)
    } else if (outcome.way !== undefined) {
      const exempt = await exemptAfter(loading.session, entry, outcome)
      taken.push({ name: entry.name, way: outcome.way, reason: failed.get(line.id) ?? '', exempt })
    }
  }
  if (leftOver.length > 0) throw cannotLoad(leftOver)
  return taken
}

/** Under another search path all is as it was. */
async function exemptAfter(
  session: pg.Client,
  entry: Entry,
  { way, objects }: Exclude<Outcome, { readonly refused: unknown }>,
): Promise<Exempt> {
  if (way === 'search-path') return NOTHING_EXEMPT
  if (objects !== undefined) return { ...NOTHING_EXEMPT, objects: [...objects] }
  return exemptOf(session, entry)
}

function loadOne(
  { pass, session, paths }: Loading,
  { id, line }: ContentsLine,
  entry: Entry,
  context: Context,
): Promise<Outcome> {
  if (entry.kind !== 'TABLE DATA') {
    const own = pass.withPath.get(id) ?? ''
    const { isRehearsal } = pass.place
    return loadObject(session, entry, { own, others: paths.filter((path) => path !== own), isRehearsal }, context)
  }
  const options = `with (encoding ${literal(pass.details.encoding)})`
  const rows = {
    owner: entry.owner,
    each: (copy: (statement: string, rows: AsyncIterable<Uint8Array>) => Promise<void>) =>
      withRows(pass.place, pass.dump, line, (one) => copy(`${one.statement} ${options}`, one.rows), context),
  }
  return loadRowsAgain(session, rows, paths, context)
}

function cannotLoad(leftOver: readonly LeftOver[]): Failure {
  const named = leftOver.map(({ entry, refused }) => `${entry.name}: ${refused.message}`)
  const ids = [...new Set(leftOver.map(({ entry }) => acceptIdOf(entry.kind)))].sort()
  return new Failure('refused', `PostgreSQL cannot make again here: ${named.join('; ')}`, {
    hint: `Restore without: add ${ids.map((id) => `--accept ${id}`).join(' ')}. All else is restored, and what is left out is named.`,
    facts: { accept: ids.join(' '), objects: leftOver.length },
  })
}
