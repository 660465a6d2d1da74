import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { OperationContext } from '../app.ts'
import { removeForCertain, withAppLock } from '../pause/app-lock.ts'

/**
 * That hooks were begun whose after-hooks are owed: one record an operation, written before the first before-hook, removed after
 * the after-hooks. Who finds it and no process runs them.
 */
const hookRecord = z.object({
  format: z.literal(1),
  app: z.string(),
  kind: z.enum(['Capture', 'Restore']),
  operation: z.enum(['backup', 'restore', 'undo']),
  /** Of the restore point, or of the restore. */
  id: z.string(),
  owner: z.string(),
})
export type HookRecord = Readonly<z.infer<typeof hookRecord>>

/** A record, and the name that it is stored by. */
export interface OwedHooks {
  readonly name: string
  readonly record: HookRecord
}

/** An earlier version had one record an app, named by this and the app alone. */
const PREFIX = 'hooks-'
const nameOf = ({ app, id }: HookRecord): string => `${PREFIX}${app}-${id}`

/** All that is owed to an app. */
export async function owedTo(app: string, { records }: OperationContext): Promise<readonly OwedHooks[]> {
  const names = (await records.list()).filter((name) => name.startsWith(`${PREFIX}${app}`))
  const found = await Promise.all(names.map(async (name) => owedBy(app, name, await records.load(name))))
  return found.flat()
}

/** The name of another app may begin with this one's; what ended meanwhile is not there. */
function owedBy(app: string, name: string, value: unknown): readonly OwedHooks[] {
  if (z.object({ app: z.string() }).safeParse(value).data?.app !== app) return []
  const parsed = hookRecord.safeParse(value)
  if (parsed.success) return [{ name, record: parsed.data }]
  throw new Failure('unsupported', `record ${name} was written by another version of Holdfast`, {
    hint: 'Run this again with the version that wrote it.',
  })
}

export async function saveHookRecord(record: HookRecord, { records }: OperationContext): Promise<void> {
  await records.save(nameOf(record), record)
}

/** Takes it over from an operation that died: of two that find it one runs the hooks. False where another was faster. */
export async function claimHooks({ name, record }: OwedHooks, context: OperationContext): Promise<boolean> {
  const { processes, records } = context
  return await withAppLock(record.app, context, async () => {
    if (!isDeepStrictEqual(await records.load(name), record)) return false
    await records.save(name, { ...record, owner: await processes.self() })
    return true
  })
}

export async function removeHookRecord({ name }: OwedHooks, context: OperationContext): Promise<void> {
  await removeForCertain(name, context)
}
