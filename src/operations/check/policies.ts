import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { App } from '../app.ts'

export interface PrintedPolicy {
  readonly component: string
  readonly policy: string
}

/** The least rights that the components of one kind need, each in the language of its server. */
export async function policiesOf(
  app: App,
  kind: string,
  purpose: 'capture' | 'restore',
  context: Context,
): Promise<readonly PrintedPolicy[]> {
  const policies: PrintedPolicy[] = []
  for (const { name, driver, settings } of app.components) {
    if (driver.kind !== kind || driver.rights?.form !== 'policy') continue
    policies.push({ component: name, policy: await driver.rights.text(settings, purpose, context) })
  }
  if (policies.length > 0) return policies
  throw new Failure('notFound', `app ${app.name} has no component of kind ${kind}`, {
    hint: 'Name another app, or add the component to the configuration.',
  })
}
