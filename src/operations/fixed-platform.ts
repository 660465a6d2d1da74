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
  if (planned === undefined) return
  const now = (await identityOf(app, context)) ?? 'none'
  if (now === planned) return
  throw new Failure('refused', `app ${app.name} was planned for ${planned}, and its platform is ${now} now`, {
    hint: `Switch back to the one of the plan, or plan it again. Setting context under apps.${app.name}.platform fixes it.`,
  })
}

async function identityOf({ platform }: App, context: OperationContext): Promise<string | undefined> {
  return await platform?.kind.identity?.(platform.settings, context)
}
