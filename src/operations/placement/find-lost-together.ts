import { lostTogether, type NamedDomain, type FailureDomain } from '../../core/safety/lost-together.ts'
import type { App, OperationContext } from '../app.ts'

/**
 * Says when one loss takes the app and all its copies. A repository that the configuration names with a reason counts as one
 * that lies elsewhere.
 */
export async function findLostTogether(app: App, context: OperationContext): Promise<string | undefined> {
  const accepted = new Set(app.lostTogether?.map(({ repository }) => repository))
  if (app.repositories.some(({ name }) => accepted.has(name))) return undefined
  const components = await Promise.all(
    app.components.map(({ name, driver, settings }) => named(name, driver.place?.(settings, context))),
  )
  const repositories = await Promise.all(app.repositories.map((target) => named(target.name, target.place?.())))
  const shared = lostTogether(components, repositories)
  if (shared === undefined) return undefined
  const names = repositories.map(({ name }) => name).join(', ')
  return `component ${shared.component} and all repositories (${names}) lie on one ${shared.level}, and would be lost together`
}

/** Where it cannot be seen where something lies, it shares nothing. */
async function named(name: string, asked: Promise<FailureDomain> | undefined): Promise<NamedDomain> {
  return { name, place: (await asked?.catch(() => undefined)) ?? {} }
}
