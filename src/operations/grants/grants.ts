import { Failure } from '../../core/failure.ts'
import type { GrantPurpose } from '../../components/capabilities/rights.ts'
import type { App, OperationContext } from '../app.ts'

export interface GrantsReport {
  readonly app: string
  readonly purpose: GrantPurpose
  /** Of the components whose rights are given by statements. */
  readonly components: readonly { readonly name: string; readonly kind: string; readonly text: string }[]
}

/** The statements that give each component's role exactly the rights for a backup or a restore. Changes nothing. */
export async function readGrants(app: App, purpose: string, context: OperationContext): Promise<GrantsReport> {
  if (purpose !== 'backup' && purpose !== 'restore')
    throw new Failure('usage', `grants for ${JSON.stringify(purpose)} are not known`, {
      hint: 'Write holdfast grants backup or holdfast grants restore.',
    })
  const components = []
  for (const { name, driver, settings } of app.components) {
    context.progress({ type: 'phase', phase: 'grants', detail: `${app.name} ${name}` })
    if (driver.rights?.form !== 'grants') continue
    const text = await driver.rights.text(settings, purpose, context)
    components.push({ name, kind: driver.kind, text })
  }
  return { app: app.name, purpose, components }
}
