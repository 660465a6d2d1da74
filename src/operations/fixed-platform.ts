import { z } from 'zod'
import { Failure } from '../core/failure.ts'
import type { App, OperationContext } from './app.ts'

/** Of an order: which platform the settings meant when it was planned. Orders of earlier versions do not say it. */
export const fixedPlatform = { platform: z.string().optional() }

/**
 * For a plan; nothing where the settings alone say it. Where it cannot be told, whoever needs the platform fails with the
 * reason, and who does not goes on. Changes nothing.
 */
export async function platformNow(app: App, context: OperationContext): Promise<{ readonly platform?: string }> {
  try {
    const platform = await identityOf(app, context)
    return platform === undefined ? {} : { platform }
  } catch (error) {
    if (context.signal.aborted) throw error
    return {}
  }
}

/** Fails with `refused` where the settings mean another platform than when the order was planned. */
export async function refuseSwitched(app: App, planned: string | undefined, context: OperationContext): Promise<void> {
  const way = 'Switch back to the one of the plan, or plan it again.'
  await refuseOther(app, planned, { what: `app ${app.name} was planned for`, way }, context)
}

/** What was begun, by the record of a pause or the journal of a restore. */
type Begun = Readonly<Record<'operation' | 'id', string>> | { readonly restoreId: string }

/** The same for what has to be ended where it was begun: another platform with the same names would be taken for it. */
export async function refuseElsewhere(
  app: App,
  begun: (Begun & { readonly platform?: string | undefined }) | undefined,
  context: OperationContext,
): Promise<void> {
  if (begun === undefined) return
  const name = 'restoreId' in begun ? `restore ${begun.restoreId}` : `${begun.operation} ${begun.id}`
  const said = {
    what: `${name} of app ${app.name} was begun on`,
    way: 'Switch back to it: only there can it be ended.',
  }
  await refuseOther(app, begun.platform, said, context)
}

async function refuseOther(
  app: App,
  fixed: string | undefined,
  { what, way }: Readonly<Record<'what' | 'way', string>>,
  context: OperationContext,
): Promise<void> {
  if (fixed === undefined) return
  const now = (await identityOf(app, context)) ?? 'none'
  if (now === fixed) return
  throw new Failure('refused', `${what} ${fixed}, and its platform is ${now} now`, {
    hint: `${way} Setting context under apps.${app.name}.platform fixes it.`,
  })
}

async function identityOf({ platform }: App, context: OperationContext): Promise<string | undefined> {
  return await platform?.kind.identity?.(platform.settings, context)
}
