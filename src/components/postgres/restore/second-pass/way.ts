import { z } from 'zod'
import type { AcceptId } from '../../../../core/accept-ids.ts'

/**
 * How something of a dump was loaded that cannot be loaded as it stands there:
 * - `search-path`: under the search path that the database had;
 * - `not-valid`: a constraint that rows of the dump break, or that cannot be checked here; it holds for new rows;
 * - `unfilled`: a materialized view without rows, to be refreshed;
 * - `left-out`: not at all, as the operator accepted;
 * - `rows-kept`: rows of an extension that is left out, in a table of their own.
 */
export const wayTaken = z.object({
  /** Kind, schema and name, as in the fingerprint's objects. */
  name: z.string(),
  way: z.enum(['search-path', 'not-valid', 'unfilled', 'left-out', 'rows-kept']),
  /** What PostgreSQL said of the ordinary way. */
  reason: z.string(),
  /** What a comparison cannot expect as it was captured, as the fingerprint names objects, tables and sequences, and extensions. */
  exempt: z.object({
    objects: z.array(z.string()).default([]),
    relations: z.array(z.string()).default([]),
    extensions: z.array(z.string()).default([]),
  }),
})
export type WayTaken = z.infer<typeof wayTaken>

/** Kinds of entries that may be left out by a name of their own; all others are `without-objects`. */
const LEFT_OUT_IDS: Readonly<Record<string, AcceptId>> = {
  TRIGGER: 'without-triggers',
  INDEX: 'without-indexes',
  CONSTRAINT: 'without-constraints',
  'FK CONSTRAINT': 'without-constraints',
  'CHECK CONSTRAINT': 'without-constraints',
  EXTENSION: 'without-extensions',
  'TABLE DATA': 'without-rows',
}

/** What an operator names with `--accept` to restore without things of this kind. */
export function acceptIdOf(kind: string): AcceptId {
  return LEFT_OUT_IDS[kind] ?? 'without-objects'
}

export type Exempt = WayTaken['exempt']
export const NOTHING_EXEMPT: Exempt = { objects: [], relations: [], extensions: [] }

/** One plain sentence about what was done. */
export function sentenceOf({ name, way, reason }: WayTaken): string {
  const done: Readonly<Record<WayTaken['way'], string>> = {
    'search-path': 'was made under the search path of the database',
    'not-valid': 'is there as NOT VALID: it holds for new rows only',
    unfilled: 'was left without rows; run REFRESH MATERIALIZED VIEW',
    'left-out': 'was LEFT OUT',
    'rows-kept': 'belongs to an extension that was left out; its rows are in a table of schema holdfast_kept',
  }
  return `${name} ${done[way]} (${reason})`
}

/** The same of a dump that is written of what was loaded. All other ways are in that dump, and load as they are. */
export function sentenceForDump(taken: WayTaken): string {
  if (taken.way !== 'search-path') return sentenceOf(taken)
  return `${sentenceOf(taken)}. pg_restore and psql refuse it: load the dump without --exit-on-error, then make it by hand; holdfast restore makes it by itself`
}
