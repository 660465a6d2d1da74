/** An environment variable; undefined when it is not set or empty. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name]
  return value === '' ? undefined : value
}

/** What reading the configuration needs of this process. */
export function processEnvironment(): {
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly userId: number | undefined
} {
  return { variables: { ...process.env }, userId: process.getuid?.() }
}
