import { Failure } from '../../core/failure.ts'
import type { SnapshotRequest, SnapshotRestored } from '../../components/driver.ts'
import type { PointReader } from '../../repository/repository.ts'
import { componentNamed, type App, type AppComponent, type OperationContext } from '../app.ts'
import { detailsOf, sourceOf } from '../source.ts'

export interface SnapshotReport extends SnapshotRestored {
  readonly app: string
  readonly point: string
  readonly component: string
}

/** Puts the snapshot of one component back, in place of its whole server. */
export async function restoreSnapshotOf(
  app: App,
  reader: PointReader,
  request: SnapshotRequest & { readonly component: string | undefined },
  context: OperationContext,
): Promise<SnapshotReport> {
  const { name, driver, settings } = chosen(app, request.component)
  const captured = reader.manifest.components.find((component) => component.name === name)
  if (captured === undefined || driver.restoreSnapshot === undefined)
    throw new Failure('notFound', `restore point ${reader.commit.point} has no component ${name}`, {
      hint: 'Choose another point with --at.',
    })
  context.progress({ type: 'phase', phase: 'snapshot', detail: `${app.name} ${name}` })
  const source = sourceOf(reader, captured, context)
  const restored = await driver.restoreSnapshot(settings, detailsOf(driver, captured), source, request, context)
  return { app: app.name, point: reader.commit.point, component: name, ...restored }
}

function chosen(app: App, named: string | undefined): AppComponent {
  const able = app.components.filter(({ driver }) => driver.restoreSnapshot !== undefined)
  const component = named === undefined && able.length === 1 ? able[0] : componentNamed(app, named ?? '')
  if (component !== undefined && able.includes(component)) return component
  throw new Failure('usage', `app ${app.name} has ${able.length} components with snapshots of a server`, {
    hint: `Name one with --component: ${able.map(({ name }) => name).join(', ') || 'there is none'}.`,
  })
}
