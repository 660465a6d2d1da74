import { Failure } from '../../core/failure.ts'
import type { PlatformPurpose } from '../../platforms/platform.ts'
import type { App, OperationContext } from '../app.ts'

/** What Holdfast is to do with the rights. */
export type RightsPurpose = PlatformPurpose

export interface PrintedRights {
  /** `component keys` or `platform kubernetes`. */
  readonly of: string
  /** In the language of the server, the cluster or the host. */
  readonly text: string
}

/** Whose rights are asked for, by the word of the command line. */
const KINDS: Readonly<Record<string, readonly string[]>> = { kubernetes: ['kubernetes-secrets'] }

/**
 * The least rights that an app needs of one kind of server or platform: those of its components and those of its platform.
 * Changes nothing. Fails with `notFound` where the app has neither.
 */
export async function rightsOf(
  app: App,
  kind: string,
  purpose: PlatformPurpose,
  context: OperationContext,
): Promise<readonly PrintedRights[]> {
  const printed = [
    ...(await ofPlatform(app, kind, purpose, context)),
    ...(await ofComponents(app, kind, purpose, context)),
  ]
  if (printed.length > 0) return printed
  throw new Failure('notFound', `app ${app.name} has no component and no platform of kind ${kind}`, {
    hint: 'Name another app, or add it to the configuration.',
  })
}

async function ofPlatform(
  { platform }: App,
  kind: string,
  purpose: PlatformPurpose,
  context: OperationContext,
): Promise<readonly PrintedRights[]> {
  if (platform?.kind.kind !== kind || platform.kind.rights === undefined) return []
  const text = await platform.kind.rights(platform.settings, platform.reaches, purpose, context)
  return [{ of: `platform ${kind}`, text }]
}

/** Looking after what is stopped takes no right of a component. */
async function ofComponents(
  { components }: App,
  kind: string,
  purpose: PlatformPurpose,
  context: OperationContext,
): Promise<readonly PrintedRights[]> {
  if (purpose === 'guardian') return []
  const printed: PrintedRights[] = []
  for (const { name, driver, settings } of components) {
    if (!(KINDS[kind] ?? [kind]).includes(driver.kind) || driver.rights?.form !== 'policy') continue
    const text = await driver.rights.text(settings, purpose === 'restore' ? 'restore' : 'capture', context)
    printed.push({ of: `component ${name}`, text })
  }
  return printed
}
