import { Failure } from '../../../core/failure.ts'
import { componentNamed, type App, type OperationContext } from '../../app.ts'
import { appInto } from './app-into.ts'
import { intoOptions, type Into } from '../../../core/texts/into-text.ts'
import { relationOf } from './places.ts'

/** What was asked for; undefined where all of it names the app's own place, as the configuration does. */
export async function withoutOwn(
  app: App,
  asked: Into | undefined,
  context: OperationContext,
): Promise<Into | undefined> {
  if (asked === undefined) return undefined
  const there = appInto(app, asked)
  const elsewhere: (readonly [string, Into[string]])[] = []
  for (const [name, settings] of Object.entries(asked)) {
    const [own, other] = [componentNamed(app, name), componentNamed(there, name)]
    const isOwn = own !== undefined && other !== undefined && (await relationOf(other, own, context)) === 'same'
    if (!isOwn) elsewhere.push([name, settings])
  }
  return elsewhere.length === 0 ? undefined : Object.fromEntries(elsewhere)
}

/** The own place is as the configuration says: another login for it would be passed over. Fails with `usage`. */
export function requireConfigured(app: App, asked: Into | undefined, elsewhere: Into | undefined): void {
  const there = appInto(app, asked)
  for (const [name, settings] of Object.entries(asked ?? {})) {
    if (elsewhere?.[name] !== undefined) continue
    const [own, other] = [componentNamed(app, name), componentNamed(there, name)].map((one) => Object(one?.settings))
    const changed = Object.keys(settings).filter((key) => String(own[key]) !== String(other[key]))
    if (changed.length === 0) continue
    throw new Failure('usage', `component ${name} would go to the app's own place with another ${changed.join(', ')}`, {
      hint: 'Leave out --into for it, and change that in the configuration.',
    })
  }
}

/** A restore goes to the app's own place or elsewhere: half of each has no safety point, and would be live nowhere. */
export function requireWhole(app: App, into: Into | undefined, restored: readonly string[]): void {
  if (into === undefined) return
  const unknown = Object.keys(into).find((name) => !restored.includes(name))
  if (unknown !== undefined)
    throw new Failure('usage', `component ${unknown} is not restored, and has a place to restore into`, {
      hint: `These are restored: ${restored.join(', ')}.`,
    })
  const own = restored.find((name) => into[name] === undefined)
  if (own === undefined) return
  const others = Object.keys(into).map((name) => ` --component ${name}`)
  throw new Failure('refused', `component ${own} of app ${app.name} would go to the app's own place, the others not`, {
    hint: `Name a place for it with --into ${own}.<setting>=<value>, or leave it out: holdfast restore ${app.name}${others.join('')}${intoOptions(into)}.`,
  })
}
