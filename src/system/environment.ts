/** An environment variable; undefined when it is not set or empty. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name]
  return value === '' ? undefined : value
}

/** What a program of the operator's is given: all that we have but what is ours alone. */
export function environmentForOthers(): Readonly<Record<string, string>> {
  const given = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'))
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** What reading the configuration needs of this process. */
export function processEnvironment(): {
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly userId: number | undefined
} {
  return { variables: { ...process.env }, userId: process.getuid?.() }
}
