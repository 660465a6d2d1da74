import { z } from 'zod'

const milliseconds = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const pattern = /^([1-9][0-9]{0,5})([mhdw])$/

/** A length of time such as `90m`, `24h`, `7d` or `4w`, as milliseconds. A day is 24 hours. */
export const duration = z
  .string()
  .regex(pattern, 'expected a length of time such as 90m, 24h, 7d or 4w')
  .meta({ description: 'A length of time: 90m, 24h, 7d or 4w.' })
  .transform((text) => {
    const [, count, unit] = pattern.exec(text) ?? []
    // The pattern has exactly these units.
    return Number(count) * milliseconds[unit as keyof typeof milliseconds]
  })
