import { isFull } from './environment-fault.ts'
import { Failure } from './failure.ts'

const CODES = ['QuotaExceeded', 'XMinioStorageFull']

/** Whether a disk or storage had no room for what was to be written. */
export function lacksRoom(error: unknown): boolean {
  if (isFull(error)) return true
  if (!(error instanceof Failure)) return false
  const { code, status } = error.facts
  return CODES.includes(String(code)) || status === 507 || lacksRoom(error.cause)
}
