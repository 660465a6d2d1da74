import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { App, OperationContext } from '../app.ts'

/**
 * What a drill or a restore to scratch has on this machine or beside the live data, noted before it is made: whoever is
 * killed leaves decrypted data, which a later run must find and remove.
 */
const scratchRecord = z.object({
  format: z.literal(1),
  restoreId: z.string().regex(/^[0-9a-f]{8}$/),
  app: z.string(),
  point: z.string(),
  purpose: z.enum(['drill', 'restore']),
  /** `swap` is a drill beside the live data. */
  mode: z.enum(['scratch', 'swap']),
  folder: z.string(),
  components: z.array(z.string()),
  /** The process that makes it, while it is `in use`. */
  owner: z.string(),
  stage: z.enum(['in use', 'left']),
  started: z.string(),
  /** When `prune` removes what was left to look at. */
  until: z.string().nullable(),
  places: z.array(
    z.object({
      component: z.string(),
      folder: z.string(),
      server: z
        .object({
          host: z.string(),
          port: z.number(),
          user: z.string(),
          database: z.string(),
          passwordFile: z.string(),
          command: z.string(),
        })
        .optional(),
    }),
  ),
})
export type ScratchRecord = z.infer<typeof scratchRecord>

/** What a record says and its process does: `cut off` is in use by nobody. */
export type ScratchState = 'in use' | 'left' | 'cut off'

const nameOf = ({ app, restoreId }: Pick<ScratchRecord, 'app' | 'restoreId'>): string => `scratch-${app}-${restoreId}`

/** Notes a scratch of this process, before anything of it exists. */
export async function noteScratch(
  record: Pick<ScratchRecord, 'restoreId' | 'app' | 'point' | 'purpose' | 'mode' | 'folder' | 'components'>,
  context: OperationContext,
): Promise<ScratchRecord> {
  const noted: ScratchRecord = {
    format: 1,
    ...record,
    owner: await context.processes.self(),
    stage: 'in use',
    started: context.clock.now().toISOString(),
    until: null,
    places: [],
  }
  await saveScratch(noted, context)
  return noted
}

export async function saveScratch(record: ScratchRecord, { records }: OperationContext): Promise<void> {
  await records.save(nameOf(record), record)
}

export async function forgetScratch(record: ScratchRecord, { records }: OperationContext): Promise<void> {
  await records.remove(nameOf(record))
}

/** Those of the app on this machine, oldest first. */
export async function scratchesOf(app: App, { records }: OperationContext): Promise<readonly ScratchRecord[]> {
  const prefix = `scratch-${app.name}-`
  const names = (await records.list()).filter((name) => name.startsWith(prefix) && /-[0-9a-f]{8}$/.test(name))
  const found = await Promise.all(names.map(async (name) => parse(name, await records.load(name))))
  return found.filter((record) => record.app === app.name).toSorted((a, b) => a.started.localeCompare(b.started))
}

export async function stateOfScratch(
  { stage, owner }: ScratchRecord,
  context: OperationContext,
): Promise<ScratchState> {
  if (stage === 'left') return 'left'
  return (await context.processes.isRunning(owner)) ? 'in use' : 'cut off'
}

function parse(name: string, value: unknown): ScratchRecord {
  const parsed = scratchRecord.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Failure('unsupported', `record ${name} was written by another version of Holdfast`, {
    hint: 'Remove that scratch restore with the version that made it.',
  })
}
