import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { describe } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { changeDigests, type Digests } from './digests.ts'

const digests = z.record(z.string(), z.string())
const seenRecord = z.object({
  format: z.literal(1),
  /** At the last look. */
  seen: digests,
  /** In the last whole point that was made for a change. */
  captured: digests,
  /** When such a point was last begun. */
  begun: z.string().optional(),
})
type SeenRecord = z.infer<typeof seenRecord>

/** A point that is made for every change of a busy folder would be no help. */
const LEAST_BETWEEN = 3_600_000

/** What a look at files and secrets has found. `changed` names the components. */
export interface Changes {
  /** `unsettled`: not the same as at the last look either, so somebody may still be at it. `waits`: the last point is too young. */
  readonly verdict: 'unchanged' | 'unsettled' | 'waits' | 'changed'
  readonly changed: readonly string[]
  /** When the next point may be made, where it waits. */
  readonly until?: Date
  readonly digests: Digests
}

/** Compares files and secrets with the last point that was made for a change, and notes what they are now, but not in a dry run. */
export async function lookForChanges(app: App, isDryRun: boolean, context: OperationContext): Promise<Changes> {
  const now = await changeDigests(app, context)
  const known = await load(app, context)
  if (!isDryRun) await context.records.save(nameOf(app), { ...known, format: 1, seen: now })
  const changed = Object.keys(now).filter((name) => now[name] !== known.captured[name])
  const found = { changed, digests: now }
  if (changed.length === 0) return { ...found, verdict: 'unchanged' }
  if (!isDeepStrictEqual(known.seen, now)) return { ...found, verdict: 'unsettled' }
  const until = nextOf(known, context.clock.now())
  return until === undefined ? { ...found, verdict: 'changed' } : { ...found, verdict: 'waits', until }
}

/** Before the backup for a change: one that fails is tried again an hour later, and not at every look. */
export async function beginChange(app: App, context: OperationContext): Promise<void> {
  const begun = context.clock.now().toISOString()
  await context.records.save(nameOf(app), { ...(await load(app, context)), begun })
}

/**
 * After a whole point. The digests are those from before it: what changed while it was made is a change still. That it cannot be noted
 * makes no failure of a good point; then one point more is made.
 */
export async function endChange(app: App, captured: Digests, context: OperationContext): Promise<void> {
  try {
    await context.records.save(nameOf(app), { ...(await load(app, context)), captured })
  } catch (error) {
    const message = `this machine cannot note what the point of ${app.name} was made for: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}

/** Of another version, or damaged: then nothing is known, and at worst one point more is made. */
async function load(app: App, { records }: OperationContext): Promise<SeenRecord> {
  const noted: unknown = await records.load(nameOf(app)).catch(() => undefined)
  return seenRecord.safeParse(noted).data ?? { format: 1, seen: {}, captured: {} }
}

/** Undefined where one may be made now, also where the clock went back. */
function nextOf({ begun }: SeenRecord, now: Date): Date | undefined {
  const age = begun === undefined ? Infinity : now.getTime() - Date.parse(begun)
  return age >= 0 && age < LEAST_BETWEEN ? new Date(now.getTime() - age + LEAST_BETWEEN) : undefined
}

function nameOf({ name }: App): string {
  return `changes-${name}`
}
