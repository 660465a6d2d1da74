/** What a thing lies on. What is not known is undefined, and shared with nothing. */
export interface FailureDomain {
  readonly disk?: string
  readonly host?: string
  readonly cluster?: string
}

export interface NamedDomain {
  readonly name: string
  readonly place: FailureDomain
}

const LEVELS = ['disk', 'host', 'cluster'] as const

/**
 * What all repositories of an app share with one of its components, so that one loss takes the app and every copy of it.
 * Undefined as soon as one repository lies elsewhere, or nobody knows where.
 */
export function lostTogether(
  components: readonly NamedDomain[],
  repositories: readonly NamedDomain[],
): { readonly level: (typeof LEVELS)[number]; readonly component: string } | undefined {
  if (repositories.length === 0) return undefined
  for (const level of LEVELS) {
    const shared = components.find(({ place }) => {
      const value = place[level]
      return value !== undefined && repositories.every((repository) => repository.place[level] === value)
    })
    if (shared !== undefined) return { level, component: shared.name }
  }
  return undefined
}
