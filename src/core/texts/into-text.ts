/** A place of a restore that is not the app's own: by component the settings in which it differs, as texts. */
export type Into = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Each as `<component>.<setting>=<value>`, in a fixed order. */
export function partsOfInto(into: Into = {}): readonly string[] {
  const parts = Object.entries(into).flatMap(([component, settings]) =>
    Object.entries(settings).map(([setting, value]) => `${component}.${setting}=${value}`),
  )
  return parts.toSorted()
}

/** For people. */
export function describeInto(into: Into): string {
  return partsOfInto(into).join(', ')
}

/** As options of the command line, with a space before each; nothing for the app's own place. */
export function intoOptions(into: Into | undefined): string {
  return partsOfInto(into)
    .map((part) => ` --into ${/^[\w.:/@=,+-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`}`)
    .join('')
}
