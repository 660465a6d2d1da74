import { Failure } from '../core/failure.ts'
import type { App } from '../operations/app.ts'

/** The app with this name, or the only one when no name is given. */
export function chooseApp(apps: readonly App[], name: string | undefined): App {
  const [only, ...others] = apps
  if (name === undefined && only !== undefined && others.length === 0) return only
  const found = apps.find((app) => app.name === name)
  if (found !== undefined) return found
  const known = apps.map((app) => app.name).join(', ')
  if (name === undefined) throw new Failure('usage', 'which app?', { hint: `Name one of: ${known}.` })
  throw new Failure('notFound', `no app ${JSON.stringify(name)} in the configuration`, { hint: `There is: ${known}.` })
}

/** The named app, or all of them. */
export function chooseApps(apps: readonly App[], name: string | undefined): readonly App[] {
  return name === undefined ? apps : [chooseApp(apps, name)]
}
