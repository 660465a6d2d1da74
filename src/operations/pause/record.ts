import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'
import { removeForCertain } from './app-lock.ts'
import { journalsOf, saveJournal, type RestoreJournal } from '../restore/journal.ts'

/**
 * That workloads of an app are stopped: one record an app, written before the first is stopped, removed after all run
 * again. Who finds it knows what to start, and by `may-resume.ts` whether it may.
 */
const pauseRecord = z.object({
  format: z.literal(1),
  app: z.string(),
  /** Which platform it is, in words; absent where the settings alone say it. */
  platform: z.string().optional(),
  /** Who stopped them, or keeps them stopped now. */
  operation: z.enum(['backup', 'restore', 'undo', 'pause']),
  /** Of the restore point, the restore or the pause. */
  id: z.string(),
  /** The process that runs the operation; null where that is not known. */
  owner: z.string().nullable(),
  since: z.string(),
  /** By the names of the platform, in the order in which they are stopped. */
  workloads: z.array(z.string()),
  /** What is live of `components`, written before each change of it. */
  live: z.enum(['before', 'restored', 'unsure']),
  /** Components whose live data the operation replaces. */
  components: z.array(z.string()),
  /** Components that an earlier operation left as what may be a mixture. */
  mixed: z.array(z.string()),
  /** Holds the data from before the mixture. */
  safetyPoint: z.string().nullable(),
  /** A person asked for the pause: it ends by `holdfast resume`, and by itself after `until`. */
  planned: z
    .object({ id: z.string(), since: z.string(), reason: z.string().nullable(), until: z.string().optional() })
    .optional(),
})
export type PauseRecord = Readonly<z.infer<typeof pauseRecord>>

const nameOf = (app: string): string => `paused-${app}`

/** Undefined where nothing of the app is stopped by this machine. */
export async function loadRecord(app: string, { records }: OperationContext): Promise<PauseRecord | undefined> {
  const value = await records.load(nameOf(app))
  if (value === undefined) return undefined
  const parsed = pauseRecord.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Failure('unsupported', `record ${nameOf(app)} was written by another version of Holdfast`, {
    hint: `Run holdfast resume ${app} with the version that paused the app.`,
  })
}

export async function saveRecord(record: PauseRecord, { records }: OperationContext): Promise<PauseRecord> {
  await records.save(nameOf(record.app), record)
  return record
}

/** Nothing comes after it. */
export async function removeRecord(app: string, context: OperationContext): Promise<void> {
  await removeForCertain(nameOf(app), context)
}

/** The record, or what journals of earlier versions say in its place. Changes nothing. */
export async function findRecord(app: App, context: OperationContext): Promise<PauseRecord | undefined> {
  return withJournals(await loadRecord(app.name, context), await pausingJournals(app, context))
}

/** The same, and from here on the record alone says it. Every operation that stops or starts workloads begins with it. */
export async function adoptRecord(app: App, context: OperationContext): Promise<PauseRecord | undefined> {
  const [found, journals] = [await loadRecord(app.name, context), await pausingJournals(app, context)]
  const record = withJournals(found, journals)
  if (record === undefined || journals.length === 0) return record
  await saveRecord(record, context)
  for (const { paused: _moved, ...journal } of journals) await saveJournal(journal, context.records, context.clock)
  return record
}

/** Restores of an earlier version noted in their own journals what they had stopped. */
async function pausingJournals(app: App, { records }: OperationContext): Promise<readonly RestoreJournal[]> {
  return (await journalsOf(app.name, records)).filter(({ paused = [] }) => paused.length > 0)
}

function withJournals(record: PauseRecord | undefined, journals: readonly RestoreJournal[]): PauseRecord | undefined {
  const last = journals.at(-1)
  if (last === undefined) return record
  const noted = journals.flatMap(({ paused = [] }) => paused)
  const workloads = [...new Set([...(record?.workloads ?? []), ...noted])]
  if (record !== undefined) return { ...record, workloads }
  const { app, restoreId: id, updated: since, components, safetyPoint } = last
  const mixed = journals.slice(0, -1).flatMap((journal) => journal.components)
  const kept = { live: liveIn(last), components, mixed, safetyPoint }
  return { format: 1, app, operation: 'restore', id, owner: null, since, workloads, ...kept }
}

/** A restore that ended and left workloads stopped did so over what may be a mixture. */
function liveIn({ mode, stage }: RestoreJournal): PauseRecord['live'] {
  if (stage === 'reopening') return 'restored'
  if (stage === 'swapping' || stage === 'abandoned' || stage === 'undoing') return 'unsure'
  return mode === 'in-place' && stage === 'loading' ? 'unsure' : 'before'
}
