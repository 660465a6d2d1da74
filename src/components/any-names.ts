import { z } from 'zod'

/**
 * A map whose names users choose. Not z.record, which leaves out a member `__proto__` without a word: such a key of a
 * Secret would be lost.
 */
export function anyNames<Shape extends z.ZodType>(shape: Shape): z.ZodType<Readonly<Record<string, z.infer<Shape>>>> {
  return z.custom<Readonly<Record<string, unknown>>>(isMap, 'is no map').transform((map, context) => {
    const members = Object.entries(map).map(([name, value]) => {
      const parsed = shape.safeParse(value)
      if (parsed.success) return [name, parsed.data] as const
      context.issues.push({ code: 'custom', message: 'has another shape', input: undefined, path: [name] })
      return [name, z.NEVER] as const
    })
    // As own members, whatever their names are.
    return Object.fromEntries(members)
  })
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
