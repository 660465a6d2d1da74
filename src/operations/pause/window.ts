import { acceptOptions, OUTSIDE_WINDOW } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import { windowAt } from '../../core/schedule/maintenance-window.ts'
import type { App, OperationContext } from '../app.ts'

/** Whether a maintenance window of the app is open, and when it closes or the next one opens. */
export interface PlannedWindow {
  readonly open: boolean
  readonly until?: string
  readonly next?: string
}

/** For a plan; nothing where the app may always be stopped. */
export function plannedWindow(
  { windows = [], into }: App,
  { clock }: OperationContext,
): { readonly window?: PlannedWindow } {
  const state = into === undefined ? windowAt(windows, clock.now().getTime()) : undefined
  if (state === undefined) return {}
  const iso = (time: number): string => new Date(time).toISOString()
  return { window: state.open ? { open: true, until: iso(state.until) } : { open: false, next: iso(state.next) } }
}

/** Fails with `refused` while no maintenance window is open, unless the operator accepted that. `command` stops the app. */
export function refuseOutsideWindow(
  app: App,
  command: string,
  isAccepted: boolean | undefined,
  context: OperationContext,
): void {
  const { window } = plannedWindow(app, context)
  if (window === undefined || window.open || isAccepted === true) return
  const facts = { accept: 'outside-window' }
  throw new Failure('refused', `${command} would stop app ${app.name} outside its maintenance windows`, {
    facts,
    hint: `The next one opens at ${window.next ?? ''}. To stop the app now all the same, add ${acceptOptions([facts.accept])}.`,
  })
}

/** Of an order: what the operator accepted. */
export function outsideWindow(accept: readonly string[]): { readonly outsideWindow?: true } {
  return accept.includes(OUTSIDE_WINDOW) ? { outsideWindow: true } : {}
}
