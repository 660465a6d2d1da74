import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { anyObject } from './shapes.ts'

/** What an object was before its pause stands in it, written by the request that stops it. */
export const PAUSED = 'holdfast-paused'

/** Undefined where it was not paused by us. */
export function recordIn(object: unknown, what: string): unknown {
  const text = anyObject.parse(object).metadata.annotations?.[PAUSED]
  if (text === undefined) return undefined
  const parsed = z.record(z.string(), z.unknown()).safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw new Failure('corrupt', `the annotation ${PAUSED} of ${what} is not what Holdfast writes`, {
    hint: 'Start the workload by hand as it was, and remove that annotation.',
  })
}

/** A merge patch of an object as it was read: changed since, it is refused by the server. */
export function patchOf(object: unknown, record: unknown, spec: unknown): unknown {
  const { resourceVersion } = anyObject.parse(object).metadata
  const annotations = { [PAUSED]: record === undefined ? null : JSON.stringify(record) }
  return { metadata: { resourceVersion, annotations }, ...(spec === undefined ? {} : { spec }) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
