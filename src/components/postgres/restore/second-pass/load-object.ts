import type pg from 'pg'
import type { Context } from '../../../../core/ports.ts'
import { attemptIn, type Refusal } from './attempt.ts'
import type { Entry } from './entries/entry.ts'
import type { WayTaken } from './way.ts'

/** One thing to try. No way stands for the ordinary one. */
interface Attempt {
  readonly path: string
  readonly sql: string
  readonly way?: WayTaken['way']
}

/** What became of an entry: loaded, perhaps by another way, or refused by the server. */
export type Outcome =
  | { readonly way?: WayTaken['way']; readonly objects?: readonly string[] }
  | { readonly refused: Refusal }

const CONSTRAINTS = new Set(['CHECK CONSTRAINT', 'FK CONSTRAINT'])
/** The rows of a view are not in the dump, so that nothing is lost by leaving them to a later REFRESH. */
const VIEW_ROWS = 'MATERIALIZED VIEW DATA'
/** As REFRESH does for its owner: where policies are forced on it, a load that must see all rows is refused. */
const UNDER_POLICIES = 'set local row_security = on'

/**
 * Makes one object: as it stands in the dump, since what it needs may be there by now, then under each of `paths`, then as
 * what loses nothing of the data.
 */
export async function loadObject(
  session: pg.Client,
  entry: Entry,
  {
    isRehearsal = false,
    ...paths
  }: { readonly own: string; readonly others: readonly string[]; readonly isRehearsal?: boolean | undefined },
  context: Context,
): Promise<Outcome> {
  let first: Refusal | undefined
  const attempts = attemptsFor(entry, paths)
  const asOwner = isRehearsal && entry.owner !== '' ? attempts.map((one) => ({ ...one, role: entry.owner })) : []
  for (const { sql, way, ...surroundings } of [...asOwner, ...attempts]) {
    const refused = await context.effects.run(`sql second pass ${entry.kind}`, () =>
      attemptIn(session, surroundings, async () => void (await session.query(sql)), context),
    )
    if (refused === undefined) return way === undefined ? {} : { way }
    first ??= refused
  }
  // At least the ordinary attempt was made and refused.
  if (first === undefined) return {}
  return entry.kind === VIEW_ROWS ? { way: 'unfilled' } : { refused: first }
}

function attemptsFor(
  { kind, sql }: Entry,
  { own, others }: { readonly own: string; readonly others: readonly string[] },
): readonly Attempt[] {
  if (kind === VIEW_ROWS)
    return [own, ...others].map((path) => ({
      path,
      sql: `${UNDER_POLICIES}; ${sql}`,
      ...(path === own ? {} : { way: 'search-path' }),
    }))
  const underPaths = others.map((path) => ({ path, sql, way: 'search-path' as const }))
  const unchecked = { path: own, sql: sql.replace(/;\s*$/, ' NOT VALID;'), way: 'not-valid' as const }
  return [{ path: own, sql }, ...underPaths, ...(CONSTRAINTS.has(kind) ? [unchecked] : [])]
}
