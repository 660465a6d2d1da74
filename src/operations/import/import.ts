import { resolve } from 'node:path'
import { describe, Failure } from '../../core/failure.ts'
import type { Driver } from '../../components/driver.ts'
import type { DumpFormat, DumpOrigin, Dumps, FoundDump, LoadedDump } from '../../components/capabilities/dumps.ts'
import type { App, AppComponent, AppRepository, OperationContext } from '../app.ts'
import { executeBackup } from '../backup/execute.ts'
import type { BackupReport } from '../backup/report.ts'
import { importOrder, type ImportOrder } from './order.ts'
import { dumpedRemark, IMPORT_REMARK } from './remark.ts'

export interface ImportRequest {
  readonly format: DumpFormat
  readonly path: string
  readonly component?: string | undefined
  readonly database?: string | undefined
  readonly trusted: boolean
  readonly withoutRows?: boolean | undefined
  readonly withPasswords: boolean
  /** Made by who notes it before it exists. */
  readonly point?: string
  /** When the dump was made, as far as is known. */
  readonly dumped?: Pick<FoundDump, 'dumped' | 'dumpedBy'>
}

export interface ImportReport {
  readonly app: string
  readonly point: string
  readonly component: string
  /** `incomplete`: the app has more than the dump held, or a repository failed. */
  readonly outcome: BackupReport['outcome']
  readonly truth: BackupReport['truth']
  readonly created: string
  readonly durationMilliseconds: number
  /** What a restore will not bring back. */
  readonly notCaptured: readonly string[]
  readonly repositories: BackupReport['repositories']
  readonly origin: DumpOrigin
}

/** Names the point that an import will make; changes nothing. Fails where the app has no component that takes the dump. */
export function planImport(
  app: App,
  request: Omit<ImportOrder, 'app' | 'point'>,
  context: OperationContext,
): ImportOrder {
  const component = componentWithDumps(app, request.component).name
  return importOrder.parse({
    ...request,
    path: resolve(request.path),
    component,
    app: app.name,
    point: context.newId(),
  })
}

/** Imports as ordered. `app` is the one that the order names. */
export async function runImport(app: App, order: ImportOrder, context: OperationContext): Promise<ImportReport> {
  return await executeImport(app, order, context)
}

/**
 * Makes a restore point of a dump: it is loaded into a throw-away place and captured from there as an app's own data would be. Parts of
 * the app that are in no dump are missing in the point, which is incomplete then.
 */
export async function executeImport(
  app: App,
  request: ImportRequest,
  context: OperationContext,
): Promise<ImportReport> {
  const component = componentWithDumps(app, request.component)
  const { driver, settings } = component
  const scratch = await context.scratchFolder()
  try {
    const loaded = await driver.dumps.load(settings, { ...request, scratchFolder: scratch.path }, context)
    try {
      const report = await capture(app, component, { loaded, request }, context)
      return reportOf(report, component.name, loaded.origin)
    } finally {
      await closeOrWarn(() => loaded.close(), context)
    }
  } finally {
    await scratch.remove()
  }
}

async function capture(
  app: App,
  component: AppComponent,
  { loaded, request }: { readonly loaded: LoadedDump; readonly request: ImportRequest },
  context: OperationContext,
): Promise<BackupReport> {
  const driver: Driver = {
    ...component.driver,
    capture: async (settings, sink, inner) =>
      loaded.complete(await component.driver.capture(settings, sink, inner), sink),
  }
  const others = app.components.filter(({ name }) => name !== component.name)
  const order = {
    app: app.name,
    point: request.point ?? context.newId(),
    remarks: [IMPORT_REMARK, ...(request.dumped === undefined ? [] : [dumpedRemark(request.dumped)])],
    // It counts for no rule of retention, so prune would take it away first.
    held: true,
    missing: others.map(({ name, driver: { kind } }) => ({ name, kind, reason: 'not in the imported dump' })),
  }
  return executeBackup(
    { ...app, components: [{ name: component.name, settings: loaded.settings, driver }] },
    order,
    context,
  )
}

function reportOf(report: BackupReport, component: string, origin: DumpOrigin): ImportReport {
  const { components, findings: _findings, alarms: _alarms, servers: _servers, ...rest } = report
  return { ...rest, component, origin, notCaptured: components.flatMap(({ notCaptured }) => notCaptured) }
}

/** What was committed by then is whole, so that a failure would be believed and the dump imported again. */
export async function closeOrWarn(close: () => Promise<void>, context: OperationContext): Promise<void> {
  try {
    await close()
  } catch (error) {
    const message = `the throw-away place of the import could not be removed: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}

/** It counts for no rule of retention, so prune would take it away first. */
export async function holdImported(
  app: App,
  { point, repositories }: Pick<BackupReport, 'point' | 'repositories'>,
  context: OperationContext,
): Promise<void> {
  for (const { name, outcome } of repositories) {
    const target = app.repositories.find((one) => one.name === name)
    if (target !== undefined && outcome === 'committed') await holdIn(target, point, context)
  }
}

/** A point that could not be held is one all the same: that is said, and nothing fails. */
export async function holdIn(target: AppRepository, point: string, context: OperationContext): Promise<void> {
  try {
    // Not by a look at all points: of a thousand files each would read the points of all before it.
    await (await target.open(context)).prove(point, 'hold', { ok: true, facts: {} }, context)
  } catch (error) {
    const message = `restore point ${point} is not held in ${target.name}, prune may remove it: ${describe(error)}`
    context.progress({ type: 'warning', message })
  }
}

export type WithDumps = AppComponent & { readonly driver: Driver & { readonly dumps: Dumps } }

/** The named component, or the only one of a kind that has dumps. */
export function componentWithDumps(app: App, name: string | undefined): WithDumps {
  const candidates = app.components.filter(hasDumps)
  const [only, ...more] = name === undefined ? candidates : candidates.filter((component) => component.name === name)
  if (only !== undefined && more.length === 0) return only
  const names = candidates.map((component) => component.name).join(', ')
  const hint =
    names === '' ? 'Only components of the kind postgres have dumps.' : `Name one with --component: ${names}.`
  if (name !== undefined)
    throw new Failure('notFound', `app ${app.name} has no component ${name} that has dumps`, { hint })
  throw new Failure('usage', `app ${app.name} has ${candidates.length} components that have dumps`, { hint })
}

export function hasDumps(component: AppComponent): component is WithDumps {
  return component.driver.dumps !== undefined
}
