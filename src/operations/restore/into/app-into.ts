import { Failure } from '../../../core/failure.ts'
import type { App, AppComponent } from '../../app.ts'
import type { Into } from '../../../core/texts/into-text.ts'

/**
 * The app as it is at the place that a restore names; the app itself where it names none. Everything that acts on such a
 * restore takes its settings from here. Its workloads run elsewhere, so none is stopped. Fails with `usage` when a setting
 * cannot differ or its value is wrong.
 */
export function appInto(app: App, into: Into | undefined): App {
  if (into === undefined) return app
  if (app.into !== undefined) throw new Failure('bug', `app ${app.name} is at another place already`)
  const { platform: _ofTheApp, ...rest } = app
  for (const name of Object.keys(into)) requireComponent(app, name)
  const neighbours = app.neighbours ?? (() => [app])
  return { ...rest, into, neighbours, components: app.components.map((one) => componentInto(one, into[one.name])) }
}

/** The components that are elsewhere; all of an app at its own place. */
export function componentsInto({ components, into }: App): readonly AppComponent[] {
  return into === undefined ? components : components.filter(({ name }) => into[name] !== undefined)
}

function requireComponent({ name: app, components }: App, name: string): void {
  if (components.some((component) => component.name === name)) return
  throw new Failure('usage', `app ${app} has no component ${name} to restore into another place`, {
    hint: `It has ${components.map((component) => component.name).join(', ')}.`,
  })
}

function componentInto(component: AppComponent, given: Into[string] | undefined): AppComponent {
  if (given === undefined) return component
  const { name, driver, settings } = component
  const { destination } = driver
  if (destination === undefined)
    throw new Failure('unsupported', `component ${name} of kind ${driver.kind} cannot be restored into another place`, {
      hint: 'Leave it out with --component, or look at it with --target scratch.',
    })
  const known = Object.keys(destination.settings.shape)
  const parsed = destination.settings.safeParse(given)
  if (!parsed.success) {
    const said = parsed.error.issues.map(({ path, message }) => `${[name, ...path].join('.')}: ${message}`)
    throw new Failure('usage', `wrong place to restore into: ${said.join('; ')}`, {
      hint: `A restore of ${name} into another place may name ${known.join(', ')}.`,
    })
  }
  const dropped = Object.fromEntries(
    (destination.without?.(Object.keys(given)) ?? []).map((setting) => [setting, undefined]),
  )
  return { ...component, settings: Object.assign({}, settings, dropped, parsed.data) }
}
