import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Difference } from '../../core/restore-point.ts'
import type { RestoreTarget, TargetRequest } from '../../components/target.ts'
import type { ArtifactSource } from '../../components/transfer.ts'
import type { Proof } from '../../repository/documents/documents.ts'
import type { PointReader } from '../../repository/repository.ts'
import { componentNamed, type App, type AppComponent, type OperationContext } from '../app.ts'
import { detailsOf, sourceOf } from '../source.ts'
import type { RestoreOrder } from './order.ts'
import { compareDrilled, drilledContent, readContents, type EarlierDrill } from './drilled-content.ts'

/** One component on its way from a restore point to its target. */
export interface ComponentRestore {
  readonly name: string
  readonly kind: string
  readonly target: RestoreTarget
  readonly details: unknown
  readonly source: ArtifactSource
  readonly bytes: number
  /** What was loaded against what a drill kept of it, where the backup left the content to drills. */
  readonly compareDrilled?: (context: Context) => Promise<readonly Difference[]>
}

export type TargetOptions = TargetRequest & {
  /** Only these components; all of the point when absent. */
  readonly components?: readonly string[] | undefined
  /** About the point: what its drills kept is compared. */
  readonly proofs?: readonly Proof[]
}

export interface OrderedPoint {
  readonly order: RestoreOrder
  readonly reader: PointReader
  /** About the point: what its drills kept is compared. */
  readonly proofs: readonly Proof[]
  /** For a restore to scratch. */
  readonly folder: string | undefined
}

export interface OrderedTargets {
  readonly targets: readonly ComponentRestore[]
  /** Not restored, as no copy of them can be left running; the keys that they captured still belong to the data. */
  readonly leftOut: readonly ComponentRestore[]
}

/** Opens the targets of an order. */
export async function openOrdered(
  app: App,
  { order, reader, proofs, folder }: OrderedPoint,
  context: OperationContext,
): Promise<OrderedTargets> {
  const { restoreId, accept, chosen, mode } = order
  const request: TargetRequest =
    folder === undefined
      ? { mode: mode === 'in-place' ? mode : 'swap', restoreId, accept }
      : { mode: 'scratch', restoreId, scratchFolder: folder, accept }
  const opened = await openTargets(app, reader, { ...request, components: chosen, proofs }, context)
  return folder === undefined ? { targets: opened, leftOut: [] } : leavable(opened, chosen)
}

function leavable(opened: readonly ComponentRestore[], chosen: readonly string[] | undefined): OrderedTargets {
  const targets = opened.filter(({ target }) => target.copy !== undefined)
  const leftOut = opened.filter(({ target }) => target.copy === undefined)
  const [first] = leftOut
  // What was asked for by its name is not left out.
  if (first === undefined || (chosen === undefined && targets.length > 0)) return { targets, leftOut }
  throw new Failure(
    'unsupported',
    `component ${first.name} of kind ${first.kind} cannot be left running to look around in`,
    {
      hint: 'Leave it out with --component, or prove it with holdfast drill.',
    },
  )
}

/**
 * Opens the targets in the order in which they are swapped: the reverse of capture, so that the database, which is
 * captured first, comes last. Its swap is the one moment at which the app's restore becomes true.
 */
export async function openTargets(
  app: App,
  reader: PointReader,
  options: TargetOptions,
  context: OperationContext,
): Promise<readonly ComponentRestore[]> {
  const wanted = reader.manifest.components.filter(({ name }) => options.components?.includes(name) ?? true)
  requireAll(
    options.components ?? [],
    wanted.map(({ name }) => name),
    reader,
  )
  const opened: ComponentRestore[] = []
  for (const captured of wanted) {
    const component = configured(app, captured.name, captured.kind)
    const target = await component.driver.open(component.settings, options, context)
    const bytes = captured.artifacts.reduce((sum, { plainSize }) => sum + plainSize, 0)
    opened.push({
      name: captured.name,
      kind: captured.kind,
      target,
      details: detailsOf(component.driver, captured),
      source: sourceOf(reader, captured, context),
      bytes,
    })
  }
  const earlier = drilledContent(options.proofs ?? [])
  return opened.reverse().map((one) => (earlier === undefined ? one : withDrilled(one, reader, earlier)))
}

function withDrilled(one: ComponentRestore, reader: PointReader, earlier: EarlierDrill): ComponentRestore {
  if (earlier.content[one.name] === undefined) return one
  const compare = async (context: Context): Promise<readonly Difference[]> =>
    compareDrilled(earlier, await readContents(reader, [one], context))
  return { ...one, compareDrilled: compare }
}

/** Opens targets without their restore point: enough to undo, reopen or discard. */
export async function openBareTargets(
  app: App,
  names: readonly string[],
  options: TargetOptions,
  context: OperationContext,
): Promise<readonly { readonly name: string; readonly target: RestoreTarget }[]> {
  const opened = []
  for (const component of app.components) {
    if (!names.includes(component.name)) continue
    opened.push({
      name: component.name,
      target: await component.driver.open(component.settings, options, context),
    })
  }
  return opened.reverse()
}

function configured(app: App, name: string, kind: string): AppComponent {
  const component = componentNamed(app, name)
  if (component !== undefined && component.driver.kind === kind) return component
  throw new Failure('usage', `app ${app.name} has no component ${name} of kind ${kind} to restore into`, {
    hint: 'Add it to the configuration with the place to restore to, or restore only some components with --component.',
  })
}

function requireAll(asked: readonly string[], there: readonly string[], reader: PointReader): void {
  const absent = asked.find((name) => !there.includes(name))
  if (absent === undefined) return
  throw new Failure('notFound', `restore point ${reader.commit.point} has no component ${absent}`, {
    hint: `It has ${there.join(', ') || 'none of these'}.`,
  })
}
