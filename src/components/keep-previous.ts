import { z } from 'zod'

const HOUR = 3_600_000

/** The setting that says how long what a restore replaced is retained for undo; `description` says what that is. */
export function keepPreviousHours(description: string): z.ZodDefault<z.ZodNumber> {
  return z.number().positive().default(72).meta({ description })
}

/** When prune may remove what is kept since then. */
export function keptUntil(since: Date, settings: { readonly keepPreviousHours: number }): Date {
  return new Date(since.getTime() + settings.keepPreviousHours * HOUR)
}
