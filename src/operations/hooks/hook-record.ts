import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { OperationContext } from '../app.ts'

/**
 * That hooks were begun whose after-hooks are owed: one record an app, written before the first before-hook, removed after the
 * after-hooks. Who finds it and no process runs them.
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

const nameOf = (app: string): string => `hooks-${app}`

export async function loadHookRecord(app: string, { records }: OperationContext): Promise<HookRecord | undefined> {
  const value = await records.load(nameOf(app))
  if (value === undefined) return undefined
  const parsed = hookRecord.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Failure('unsupported', `record ${nameOf(app)} was written by another version of Holdfast`, {
    hint: 'Run this again with the version that wrote it.',
  })
}

export async function saveHookRecord(record: HookRecord, { records }: OperationContext): Promise<void> {
  await records.save(nameOf(record.app), record)
}

export async function removeHookRecord(app: string, { records }: OperationContext): Promise<void> {
  await records.remove(nameOf(app))
}
