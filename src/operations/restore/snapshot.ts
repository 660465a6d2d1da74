import { Failure } from '../../core/failure.ts'
import type { SnapshotRequest, SnapshotRestored } from '../../components/capabilities/server-snapshot.ts'
import type { PointReader } from '../../repository/repository.ts'
import { componentNamed, type App, type AppComponent, type OperationContext } from '../app.ts'
import { detailsOf, sourceOf } from '../source.ts'
import { assertSafetyPoint } from './safety-point/safety-preflight.ts'
import { makeSafetyPoint } from './safety-point/safety-point.ts'

export interface SnapshotReport extends SnapshotRestored {
  readonly app: string
  readonly point: string
  readonly component: string
  /** What was live before; null without one. */
  readonly safetyPoint: string | null
}

export interface SnapshotOfRequest extends SnapshotRequest {
  readonly component: string | undefined
  /** Back up what is live first. */
  readonly safetyPoint: boolean
}

/** Puts the snapshot of one component back, in place of its whole server. */
export async function restoreSnapshotOf(
  app: App,
  reader: PointReader,
  request: SnapshotOfRequest,
  context: OperationContext,
): Promise<SnapshotReport> {
  const component = chosen(app, request.component)
  const { name, driver, settings } = component
  const captured = reader.manifest.components.find((component) => component.name === name)
  if (captured === undefined || driver.serverSnapshot === undefined)
    throw new Failure('notFound', `restore point ${reader.commit.point} has no component ${name}`, {
      hint: 'Choose another point with --at.',
    })
  const source = sourceOf(reader, captured, context)
  if (request.safetyPoint && request.onlyLook) await assertSafetyPoint(only(app, component), reader.commit, context)
  const saves = request.safetyPoint && !request.onlyLook
  const safetyPoint = saves ? await makeSafetyPoint(only(app, component), context) : null
  context.progress({ type: 'phase', phase: 'snapshot', detail: `${app.name} ${name}` })
  const restored = await driver.serverSnapshot.restore(settings, detailsOf(driver, captured), source, request, context)
  return { app: app.name, point: reader.commit.point, component: name, safetyPoint, ...restored }
}

/** Nothing else of the app is touched, and what else is broken is no reason to wait. */
function only(app: App, component: AppComponent): App {
  return { ...app, components: [component], keyFit: [] }
}

function chosen(app: App, named: string | undefined): AppComponent {
  const able = app.components.filter(({ driver }) => driver.serverSnapshot !== undefined)
  const component = named === undefined && able.length === 1 ? able[0] : componentNamed(app, named ?? '')
  if (component !== undefined && able.includes(component)) return component
  throw new Failure('usage', `app ${app.name} has ${able.length} components with snapshots of a server`, {
    hint: `Name one with --component: ${able.map(({ name }) => name).join(', ') || 'there is none'}.`,
  })
}
