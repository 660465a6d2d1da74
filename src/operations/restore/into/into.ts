import { z } from 'zod'

/**
 * A place of a restore that is not the app's own: by component the settings in which it differs, as texts. Each kind of
 * component says which settings may differ; none of them holds a secret.
 */
export const intoSchema = z.record(z.string(), z.record(z.string(), z.string()))
export type Into = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Whether both say the same, in whatever order. */
export function isSameInto(one: Into | undefined, other: Into | undefined): boolean {
  return partsOf(one).join('\0') === partsOf(other).join('\0')
}

function partsOf(into: Into = {}): readonly string[] {
  const parts = Object.entries(into).flatMap(([component, settings]) =>
    Object.entries(settings).map(([setting, value]) => `${component}.${setting}=${value}`),
  )
  return parts.toSorted()
}

/** For people. */
export function describeInto(into: Into): string {
  return partsOf(into).join(', ')
}

/** As options of the command line, with a space before each; nothing for the app's own place. */
export function intoOptions(into: Into | undefined): string {
  return partsOf(into)
    .map((part) => ` --into ${/^[\w.:/@=,+-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`}`)
    .join('')
}
