import { z } from 'zod'

export const serviceShape = z.object({ spec: z.object({ selector: z.record(z.string(), z.string()).nullish() }) })

/** The labels that a selector asks for. Undefined where it asks for more than equality. */
export function labelsIn(selector: string): Readonly<Record<string, string>> | undefined {
  const pairs = selector.split(',').map((each) => /^\s*([\w./-]+)\s*==?\s*([\w.-]*)\s*$/.exec(each))
  if (pairs.some((pair) => pair === null)) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']))
}
