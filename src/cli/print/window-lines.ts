import type { PlannedWindow } from '../../operations/pause/window.ts'
import { formatTime } from './format.ts'

/** What a plan says of the app's maintenance windows. */
export function windowLines({ window }: { readonly window?: PlannedWindow }): readonly string[] {
  if (window === undefined) return []
  const { open, until = '', next = '' } = window
  return [`  maintenance window: ${open ? `open until ${formatTime(until)}` : `CLOSED until ${formatTime(next)}`}`]
}
