import { z } from 'zod'
import { describe } from '../../core/failure.ts'
import { commitServer, type CommitServer } from '../../repository/documents/documents.ts'
import type { App, OperationContext } from '../app.ts'

const note = z.object({ ...commitServer.shape, at: z.number() })
/** Where the server of a component was, and when. */
export type ServerNote = z.infer<typeof note>
const notes = z.object({ servers: z.array(note) })

const nameOf = (app: string): string => `servers-${app}`

/** What this machine knows beside what commits say. Nothing when it cannot be read: commits say it as well. */
export async function loadServerNotes(app: string, context: OperationContext): Promise<readonly ServerNote[]> {
  const parsed = notes.safeParse(await context.records.load(nameOf(app)).catch(() => undefined))
  return parsed.success ? parsed.data.servers : []
}

/** Never fails: what was done is done, whether this machine can note it or not. */
export async function saveServerNotes(
  app: string,
  servers: readonly CommitServer[],
  context: OperationContext,
): Promise<void> {
  if (servers.length === 0) return
  const at = context.clock.now().getTime()
  try {
    const named = new Set(servers.map(({ component }) => component))
    const others = (await loadServerNotes(app, context)).filter(({ component }) => !named.has(component))
    await context.records.save(nameOf(app), { servers: [...others, ...servers.map((one) => ({ ...one, at }))] })
  } catch (error) {
    const message = `this machine cannot note which server app ${app} is on: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}

/**
 * After a restore by Holdfast the server is where it was meant to be: what comes after is compared with this, and not with
 * what was there before. A restore into another place says nothing of where the app is.
 */
export async function noteRestored(app: App, components: readonly string[], context: OperationContext): Promise<void> {
  if (app.into !== undefined) return
  const servers: CommitServer[] = []
  for (const { name, driver, settings } of app.components) {
    if (!components.includes(name)) continue
    const moment = await driver.serverMoment?.(settings, context).catch(() => undefined)
    if (moment !== undefined) servers.push({ component: name, ...moment })
  }
  await saveServerNotes(app.name, servers, context)
}
