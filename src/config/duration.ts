import { z } from 'zod'

const milliseconds = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A length of time such as `90m`, `24h`, `7d` or `4w`, as milliseconds. A day is 24 hours. */
export const duration = lengthOf(/^([1-9][0-9]{0,5})([mhdw])$/, '90m, 24h, 7d or 4w')

/** The same, for what may also take seconds: `30s`. */
export const shortDuration = lengthOf(/^([1-9][0-9]{0,5})([smhdw])$/, '30s, 90m, 24h, 7d or 4w')

function lengthOf(pattern: RegExp, examples: string) {
  return z
    .string()
    .regex(pattern, `expected a length of time such as ${examples}`)
    .meta({ description: `A length of time: ${examples}.` })
    .transform((text) => {
      const [, count, unit] = pattern.exec(text) ?? []
      // The patterns have exactly these units.
      return Number(count) * milliseconds[unit as keyof typeof milliseconds]
    })
}
