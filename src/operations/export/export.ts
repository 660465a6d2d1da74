import { resolve } from 'node:path'
import type { DumpFormat, WrittenDump } from '../../components/capabilities/dumps.ts'
import type { AcceptId } from '../../core/accept-ids.ts'
import { Failure } from '../../core/failure.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, OperationContext } from '../app.ts'
import { componentWithDumps } from '../import/import.ts'
import { detailsOf, sourceOf } from '../source.ts'

export interface ExportRequest {
  readonly format: DumpFormat
  readonly output: string
  readonly component?: string | undefined
  readonly accept?: readonly AcceptId[] | undefined
}

export interface ExportReport extends WrittenDump {
  readonly app: string
  readonly point: string
  readonly component: string
  readonly durationMilliseconds: number
}

/** Writes one component of a restore point as an ordinary dump, proven to restore and to be what was captured. */
export async function executeExport(
  app: App,
  reader: PointReader,
  { format, output, component, accept }: ExportRequest,
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
