import { z } from 'zod'
import { wayTaken } from '../second-pass/way.ts'

/**
 * What Holdfast writes as the comment of a database it made or set aside, so that any later run, on any machine, knows
 * what the database is without a journal:
 *
 *     holdfast restore 1a2b3c4d {"role":"previous","database":"authentik","at":"…","until":"…","comment":null}
 *
 * The comment that the database had is carried inside, so that it can be given back.
 */
const common = { database: z.string(), at: z.iso.datetime() }
const kept = { ...common, until: z.iso.datetime() }
const body = z.discriminatedUnion('role', [
  /** Being loaded, or loaded whole. Only a whole one may be swapped in. */
  z.object({ ...common, role: z.literal('side'), loaded: z.boolean(), ways: z.array(wayTaken).optional() }),
  /** Definitions without rows, for a comparison that ended or died. Never live. */
  z.object({ ...common, role: z.literal('reference') }),
  /** Was live until the swap. */
  z.object({ ...kept, role: z.literal('previous'), comment: z.string().nullable() }),
  /** What the restore brought, set aside by an undo. */
  z.object({ ...kept, role: z.literal('undone') }),
  /** Live, where no database was before; without a previous one only this tells that the swap happened. */
  z.object({ ...kept, role: z.literal('restored'), comment: z.string().nullable() }),
  /** Live and locked for a restore over it; the connection limit is given back when it is opened again. */
  z.object({
    ...common,
    role: z.literal('in-place'),
    loaded: z.boolean(),
    /** Whether anything of the load may be in it; absent in marks of earlier versions. */
    touched: z.boolean().optional(),
    comment: z.string().nullable(),
    connectionLimit: z.number().int(),
    ways: z.array(wayTaken).optional(),
  }),
])

export type MarkerBody = z.infer<typeof body>
export type Marker = MarkerBody & { readonly restoreId: string }

const pattern = /^holdfast restore ([0-9a-f]{8}) (\{.*\})$/s

export function formatMarker(restoreId: string, content: MarkerBody): string {
  return `holdfast restore ${restoreId} ${JSON.stringify(content)}`
}

/** The marker in a comment; undefined for a comment that somebody else wrote. */
export function parseMarker(comment: string | null): Marker | undefined {
  const match = pattern.exec(comment ?? '')
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  const parsed = body.safeParse(json(match[2]))
  return parsed.success ? { ...parsed.data, restoreId: match[1] } : undefined
}

/** A database's own comment: what a marker carries, or the comment itself. */
export function plainComment(comment: string | null): string | null {
  const marker = parseMarker(comment)
  if (marker === undefined) return comment
  return 'comment' in marker ? marker.comment : null
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
