import { Failure } from '../../../core/failure.ts'
import type { App, AppComponent, OperationContext } from '../../app.ts'
import { componentsInto } from './app-into.ts'
import { relationOf, repositoryUnder } from './places.ts'

/**
 * A restore into another place never goes over what the configuration names: a component of any app, or a repository. Fails
 * with `refused` where it would, or where nobody can tell. Changes nothing.
 */
export async function refuseTaken(there: App, context: OperationContext): Promise<void> {
  if (there.into === undefined) return
  for (const component of componentsInto(there)) {
    for (const app of there.neighbours?.() ?? []) {
      for (const other of app.components) await refuseOver(component, app, other, context)
      const repository = await repositoryUnder(component, app)
      if (repository !== undefined) throw taken(component, `repository ${repository}`)
    }
    await refuseShared(component, there, context)
  }
}

async function refuseOver(
  component: AppComponent,
  app: App,
  other: AppComponent,
  context: OperationContext,
): Promise<void> {
  if ((await relationOf(component, other, context)) !== 'apart')
    throw taken(component, `component ${other.name} of app ${app.name}`)
}

/** Two components of one restore must not go over each other. */
async function refuseShared(component: AppComponent, there: App, context: OperationContext): Promise<void> {
  for (const other of componentsInto(there))
    if (other.name !== component.name && (await relationOf(component, other, context)) !== 'apart')
      throw taken(component, `component ${other.name} of this restore`)
}

function taken({ name }: AppComponent, whose: string): Failure {
  return new Failure('refused', `the place to restore ${name} into is the place of ${whose}, or one is in the other`, {
    hint: "Name a place that the configuration does not name. For the app's own place, leave out --into.",
  })
}
