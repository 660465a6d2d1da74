import { z } from 'zod'
import { partsOfInto, type Into } from '../../../core/texts/into-text.ts'

/** Each kind of component says which settings may differ; none of them holds a secret. */
export const intoSchema = z.record(z.string(), z.record(z.string(), z.string()))

/** Whether both say the same, in whatever order. */
export function isSameInto(one: Into | undefined, other: Into | undefined): boolean {
  return partsOfInto(one).join('\0') === partsOfInto(other).join('\0')
}
