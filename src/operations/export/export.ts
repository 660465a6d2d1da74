import { resolve } from 'node:path'
import type { DumpFormat, WrittenDump } from '../../components/capabilities/dumps.ts'
import type { AcceptId } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { componentWithDumps } from '../import/import.ts'
import { findOrdered } from '../points/find-point.ts'
import { findInApps } from '../points/show-point.ts'
import { detailsOf, openPoint, sourceOf } from '../source.ts'
import { exportOrder, type ExportOrder } from './order.ts'

export interface ExportRequest {
  /** `latest`, an id or its start, or a time. */
  readonly choice: string
  readonly app?: string | undefined
  readonly component?: string | undefined
  readonly format: DumpFormat
  readonly output: string
  readonly accept?: readonly AcceptId[] | undefined
}

export interface ExportReport extends WrittenDump {
  readonly app: string
  readonly point: string
  readonly component: string
  readonly durationMilliseconds: number
}

/** Chooses the point and the component; changes nothing. */
export async function planExport(
  apps: readonly App[],
  { choice, app: named, component, format, output, accept }: ExportRequest,
  context: OperationContext,
): Promise<ExportOrder> {
  const { point, repositoryName } = await findInApps(apps, choice, named, context)
  const app = apps.find(({ name }) => name === point.commit.app)
  const chosen = app === undefined ? component : componentWithDumps(app, component).name
  return exportOrder.parse({
    app: point.commit.app,
    point: point.point,
    repository: repositoryName,
    component: chosen,
    format,
    output: resolve(output),
    accept,
  })
}

/** Writes what the order says. `app` is the one that it names. */
export async function runExport(app: App, order: ExportOrder, context: OperationContext): Promise<ExportReport> {
  const { repository } = await findOrdered(app, order, context)
  return await executeExport(app, await openPoint(repository, order.point, context), order, context)
}

/** Writes one component of a restore point as an ordinary dump, proven to restore and to be what was captured. */
export async function executeExport(
  app: App,
  reader: PointReader,
  { format, output, component, accept }: Pick<ExportOrder, 'format' | 'output' | 'component' | 'accept'>,
  context: OperationContext,
): Promise<ExportReport> {
  const begun = context.clock.monotonic()
  const { name, driver, settings } = componentWithDumps(app, component)
  const captured = reader.manifest.components.find((candidate) => candidate.name === name)
  if (captured === undefined)
    throw new Failure('notFound', `restore point ${reader.commit.point} has no component ${name}`, {
      hint: `holdfast show ${reader.commit.point} lists what it has.`,
    })
  const scratch = await context.scratchFolder()
  try {
    const request = { format, path: resolve(output), scratchFolder: scratch.path, accept }
    const source = sourceOf(reader, captured, context)
    const written = await driver.dumps.write(settings, detailsOf(driver, captured), source, request, context)
    const durationMilliseconds = Math.round(context.clock.monotonic() - begun)
    return { ...written, app: app.name, point: reader.commit.point, component: name, durationMilliseconds }
  } finally {
    await scratch.remove()
  }
}
