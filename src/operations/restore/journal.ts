import { z } from 'zod'
import { restoreIds } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { Clock, Records } from '../../core/ports.ts'
import { intoSchema } from './into/into.ts'

/**
 * How far a restore got, written before each step takes effect. After a crash the journal says what was about to
 * happen; what did happen is read from the targets themselves.
 *
 * planned → loading → staged → fencing → swapping → reopening → done → undoing → undone; abandoned from any stage
 * before `reopening`. Before `fencing` the live data was not touched. From `fencing` on the restored data is proven
 * and a resumed run goes forward.
 */
export const restoreStages = [
  'planned',
  'loading',
  'staged',
  'fencing',
  'swapping',
  'reopening',
  'done',
  'abandoned',
  'undoing',
  'undone',
] as const
export type RestoreStage = (typeof restoreStages)[number]

const restoreJournal = z.object({
  // A version that does not know `into` would go on at the app's own place: 2 tells it to leave this journal alone.
  format: z.union([z.literal(1), z.literal(2)]),
  restoreId: z.string().regex(/^[0-9a-f]{8}$/),
  app: z.string(),
  point: z.string(),
  repository: z.string(),
  mode: z.enum(['swap', 'in-place']),
  components: z.array(z.string()),
  /** The place, where it is not the app's own. Only in format 2. */
  into: intoSchema.optional(),
  /** Which platform the settings meant when it began; absent where they alone say it, and in journals of earlier versions. */
  platform: z.string().optional(),
  /** Nothing of this restore is left at that place, so that nobody looks there again. */
  cleared: z.literal(true).optional(),
  /** What the operator agreed to restore without. */
  accept: z.array(z.enum(restoreIds)).optional(),
  // A restore that an earlier version left may still wait to be continued.
  stage: z.preprocess((stage) => (stage === 'beside' ? 'staged' : stage), z.enum(restoreStages)),
  /** Of an earlier version: workloads that it stopped. `pause/record.ts` takes them over, and has them since. */
  paused: z.array(z.string()).optional(),
  safetyPoint: z.string().nullable(),
  /** Who is at it, as `processes.self` named them; absent in journals of earlier versions. */
  owner: z.string().optional(),
  started: z.string(),
  updated: z.string(),
})
export type RestoreJournal = z.infer<typeof restoreJournal>

const PREFIX = 'restore-'

const nameOf = ({ app, restoreId }: RestoreJournal): string => `${PREFIX}${app}-${restoreId}`

/** Notes what changed beside the stage. */
export async function saveJournal(journal: RestoreJournal, records: Records, clock: Clock): Promise<void> {
  await records.save(nameOf(journal), { ...journal, updated: clock.now().toISOString() })
}

/** Moves the journal to a stage, durably, and gives the new journal. */
export async function enterStage(
  journal: RestoreJournal,
  stage: RestoreStage,
  records: Records,
  clock: Clock,
): Promise<RestoreJournal> {
  const { owner, ...said } = journal
  // Nobody is at what has ended.
  const next = {
    ...said,
    ...(owner === undefined || isFinished(stage) ? {} : { owner }),
    stage,
    updated: clock.now().toISOString(),
  }
  const name = nameOf(journal)
  try {
    await records.save(name, next)
  } catch (error) {
    if (!(await isEnded(name, next, records))) throw error
  }
  return next
}

/**
 * Whether the last entry is there although its answer was lost. Before any other entry the next step must wait until the
 * entry is durable for certain; after the last there is no next step.
 */
async function isEnded(name: string, { stage }: RestoreJournal, records: Records): Promise<boolean> {
  if (!isFinished(stage)) return false
  const found = restoreJournal.safeParse(await records.load(name).catch(() => undefined))
  return found.success && found.data.stage === stage
}

/** All journals of the app on this machine, oldest first. */
export async function journalsOf(app: string, records: Records): Promise<readonly RestoreJournal[]> {
  const names = (await records.list()).filter(
    (name) => name.startsWith(`${PREFIX}${app}-`) && /-[0-9a-f]{8}$/.test(name),
  )
  const journals = await Promise.all(names.map(async (name) => parseJournal(name, await records.load(name))))
  return journals.filter((journal) => journal.app === app).toSorted((a, b) => a.started.localeCompare(b.started))
}

function parseJournal(name: string, value: unknown): RestoreJournal {
  const parsed = restoreJournal.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Failure('unsupported', `journal ${name} was written by another version of Holdfast`, {
    hint: 'Finish or abandon that restore with the version that started it.',
  })
}

const FINISHED: readonly RestoreStage[] = ['done', 'abandoned', 'undone']

export function isFinished(stage: RestoreStage): boolean {
  return FINISHED.includes(stage)
}

/** A restore or undo of the app's own place that was cut off; the next one must not start over it. */
export async function unfinishedJournal(app: string, records: Records): Promise<RestoreJournal | undefined> {
  return (await unfinishedJournals(app, records)).findLast(({ into }) => into === undefined)
}

/** Of the app's own place and of all others. */
export async function unfinishedJournals(app: string, records: Records): Promise<readonly RestoreJournal[]> {
  return (await journalsOf(app, records)).filter(({ stage }) => !isFinished(stage))
}
