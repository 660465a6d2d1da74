import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { pipeToTool } from '../../tools/pipe-to-tool.ts'
import { attemptIn, type Refusal } from './attempt.ts'
import { readBrokenConstraint, type BrokenConstraint } from './broken-constraint.ts'
import type { Outcome } from './load-object.ts'

/** Rows that can be read anew for each attempt. */
export interface Rows {
  readonly owner: string
  /** Gives each COPY statement, whole, and its rows to `copy`, one after the other. */
  each(copy: (statement: string, rows: Bytes) => Promise<void>): Promise<void>
}

/** A check that rows break is set aside and made again; so many of one table at most. */
const MOST_CONSTRAINTS = 100

/**
 * Loads the rows of one table that were refused: as they are, then under each of `paths`. Constraints that the rows break
 * are dropped and made again without looking at the rows, all in one transaction. The table's owner acts, since code of
 * the owner's runs for each row.
 */
export async function loadRowsAgain(
  session: pg.Client,
  rows: Rows,
  paths: readonly string[],
  context: Context,
): Promise<Outcome> {
  let first: Refusal | undefined
  for (const path of ['', ...paths]) {
    const way = path === '' ? {} : { way: 'search-path' as const }
    const broken: BrokenConstraint[] = []
    for (;;) {
      const refused = await tryRows(session, rows, { path, broken }, context)
      if (refused === undefined)
        return broken.length > 0 ? { way: 'not-valid', objects: broken.flatMap(({ objects }) => objects) } : way
      first ??= refused
      const next = broken.length < MOST_CONSTRAINTS ? await readBrokenConstraint(session, refused) : undefined
      if (next === undefined || broken.some(({ drop }) => drop === next.drop)) break
      broken.push(next)
    }
  }
  return first === undefined ? {} : { refused: first }
}

async function tryRows(
  session: pg.Client,
  rows: Rows,
  { path, broken }: { readonly path: string; readonly broken: readonly BrokenConstraint[] },
  context: Context,
): Promise<Refusal | undefined> {
  const act = async (): Promise<void> => {
    for (const { drop } of broken) await session.query(drop)
    await rows.each((statement, content) => copy(session, statement, content, context))
    for (const { add } of broken) await session.query(add)
  }
  const asOwner = rows.owner === '' ? { path } : { path, role: rows.owner }
  return context.effects.run('sql second pass COPY', async () => {
    const refused = await attemptIn(session, asOwner, act, context)
    // An owner may have been denied its own table on purpose.
    return refused?.sqlState === '42501' ? attemptIn(session, { path }, act, context) : refused
  })
}

function copy(session: pg.Client, statement: string, content: Bytes, { signal }: Context): Promise<void> {
  return pipeToTool(content, (input) => pipeline(input, session.query(copyFrom(statement)), { signal }))
}
