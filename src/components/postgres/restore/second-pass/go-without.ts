import type pg from 'pg'
import { z } from 'zod'
import type { Context } from '../../../../core/ports.ts'
import { queryOne } from '../../connection/query.ts'
import type { Refusal } from './attempt.ts'
import { withRows, type Entry } from './entries/entry.ts'
import { keepRows } from './keep-rows.ts'
import type { SecondPass } from './pass.ts'
import { acceptIdOf, NOTHING_EXEMPT, type Exempt, type WayTaken } from './way.ts'

/** Something that cannot be loaded by any way that loses nothing. */
export interface LeftOver {
  readonly line: string
  readonly entry: Entry
  readonly refused: Refusal
}

/** SQLSTATEs of objects that are not there. */
const ABSENT = new Set(['42P01', '42704', '42883', '3F000', '42703', '3D000'])
/** What hangs on another object, which is why it needs no agreement of its own. */
const HANGS_ON_OTHERS = new Set(['COMMENT', 'ACL', 'SECURITY LABEL', 'SEQUENCE SET', 'SEQUENCE OWNED BY', 'DEFAULT'])

/** How the restore goes on without this; undefined where the operator has not agreed to it. */
export async function goWithout(
  pass: SecondPass,
  session: pg.Client,
  left: LeftOver,
  taken: readonly WayTaken[],
  context: Context,
): Promise<WayTaken | undefined> {
  const { entry, refused, line } = left
  const leftOut = taken.filter(({ way }) => way === 'left-out')
  const isOfLeftOut = leftOut.length > 0 && ABSENT.has(refused.sqlState)
  const isRows = entry.kind === 'TABLE DATA' && leftOut.some(({ name }) => name.startsWith('EXTENSION '))
  const way = (name: WayTaken['way'], exempt: Exempt): WayTaken => ({
    name: entry.name,
    way: name,
    reason: refused.message,
    exempt,
  })
  const exempt = await exemptOf(session, entry)
  if (isOfLeftOut && isRows) {
    const kept = await withRows(
      pass.place,
      pass.dump,
      line,
      (rows) => keepRows(session, rows, pass.details, context),
      context,
    )
    return way('rows-kept', { ...kept, relations: [...kept.relations, ...exempt.relations] })
  }
  // A superuser's comment, which the extension brings by itself in most cases.
  const isExtensionComment =
    entry.kind === 'COMMENT' && entry.tag.startsWith('EXTENSION ') && refused.sqlState === '42501'
  const hangs = (isOfLeftOut && HANGS_ON_OTHERS.has(entry.kind)) || isExtensionComment
  const isAgreed = hangs || pass.accept.includes(acceptIdOf(entry.kind))
  return isAgreed ? way('left-out', exempt) : undefined
}

const RELATIONS = new Set([
  'TABLE',
  'TABLE DATA',
  'MATERIALIZED VIEW',
  'MATERIALIZED VIEW DATA',
  'SEQUENCE',
  'SEQUENCE SET',
])

/** What a comparison must not expect of an entry that was not loaded as it stands in the dump. */
export async function exemptOf(session: pg.Client, { name, kind, schema, tag }: Entry): Promise<Exempt> {
  if (kind === 'EXTENSION') return { ...NOTHING_EXEMPT, objects: [name], extensions: [tag] }
  if (!RELATIONS.has(kind)) return { ...NOTHING_EXEMPT, objects: [name] }
  const sql = `select pg_catalog.quote_ident($1) || '.' || pg_catalog.quote_ident($2) as relation`
  const { relation } = await queryOne(session, z.object({ relation: z.string() }), sql, [schema, tag])
  return { ...NOTHING_EXEMPT, objects: [name], relations: [relation] }
}
