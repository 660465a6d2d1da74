import { fileURLToPath } from 'node:url'
import type { PlaceRelation } from '../../../components/capabilities/destination.ts'
import { pathsOverlap } from '../../../system/files/paths-overlap.ts'
import type { App, AppComponent, OperationContext } from '../../app.ts'

/** How the places of two components lie to each other. Those of two kinds can only share files of this host. */
export async function relationOf(
  one: AppComponent,
  other: AppComponent,
  context: OperationContext,
): Promise<PlaceRelation> {
  const { destination } = one.driver
  if (destination !== undefined && one.driver.kind === other.driver.kind)
    return await destination.relation(one.settings, other.settings, context)
  return (await shareFiles(pathsOf(one), pathsOf(other))) ? 'overlapping' : 'apart'
}

/** The repository in a folder of this host that the component would share. */
export async function repositoryUnder(component: AppComponent, { repositories }: App): Promise<string | undefined> {
  const paths = pathsOf(component)
  for (const { name, location } of repositories)
    if (location.startsWith('file:') && (await shareFiles(paths, [fileURLToPath(location)]))) return name
  return undefined
}

function pathsOf({ driver, settings }: AppComponent): readonly string[] {
  return driver.destination?.paths?.(settings) ?? []
}

async function shareFiles(paths: readonly string[], others: readonly string[]): Promise<boolean> {
  for (const path of paths) for (const other of others) if (await pathsOverlap(path, other)) return true
  return false
}
