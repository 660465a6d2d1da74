import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Bytes } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { KleidiaSource } from './format/source.ts'
import type { OpenSpooled } from './read/open.ts'
import type { KnownCommits } from '../../repository/repository.ts'
import { spool, type Spooled } from './read/spooled.ts'
import { stageKleidia, type Staged } from './read/stage-kleidia.ts'
import type { App, AppComponent, OperationContext } from '../../operations/app.ts'
import { executeBackup } from '../../operations/backup/execute.ts'
import type { BackupReport } from '../../operations/backup/report.ts'
import { closeOrWarn, holdImported } from '../../operations/import/import.ts'
import { fileRemark, KLEIDIA_REMARK } from '../../operations/import/remark.ts'
import { ImportedBefore } from './imported-before.ts'
import { openedOf, takeAll, type KleidiaFile, type KleidiaReport } from './import-kleidia.ts'
import { kleidiaLocation, kleidiaSources } from './kleidia-sources.ts'
import { loadParts, type LoadedParts } from './load-parts.ts'

/** What an import is to do: all but the password, which is given beside it. It can be stored as JSON. */
const kleidiaImportOrder = z.object({
  app: z.string(),
  location: kleidiaLocation,
  limits: z.object({ expandedBytes: z.number(), ratio: z.number() }),
  /** The KV mount that the paths of the secrets belong to. */
  mount: z.string().optional(),
  /** The components to choose from, when the app has several of a kind. */
  components: z.array(z.string()).readonly().optional(),
  /** Who made the files is trusted with this machine. */
  trusted: z.boolean(),
  withoutRows: z.boolean().optional(),
})
export type KleidiaImportOrder = Readonly<z.infer<typeof kleidiaImportOrder>>

type Importing = Pick<KleidiaImportOrder, 'limits' | 'mount' | 'components' | 'trusted' | 'withoutRows'> & {
  readonly password: Secret
}

/** The order of an import; changes nothing. */
export function planKleidiaImport(app: App, request: Omit<KleidiaImportOrder, 'app'>): KleidiaImportOrder {
  return kleidiaImportOrder.parse({ ...request, app: app.name })
}

/** Imports as ordered. `app` is the one that the order names. */
export async function runKleidiaImport(
  app: App,
  order: KleidiaImportOrder,
  password: Secret,
  context: OperationContext,
): Promise<KleidiaReport> {
  return await importKleidiaPoints(app, kleidiaSources(order.location, context), { ...order, password }, context)
}

/**
 * Makes a restore point of every file. One that fails keeps none of the others from being taken and is in no list; one
 * that was imported before is passed over, so that a run that was cut off can be repeated.
 */
export async function importKleidiaPoints(
  app: App,
  sources: AsyncIterable<KleidiaSource>,
  request: Importing,
  context: OperationContext,
): Promise<KleidiaReport> {
  const before = await ImportedBefore.read(app, context)
  return takeAll(sources, 'import', (source) => importOne({ app, source, request, before }, context), context)
}

interface Import {
  readonly app: App
  readonly source: KleidiaSource
  readonly request: Importing
  readonly before: ImportedBefore
}

type Outcome = Pick<KleidiaFile, 'outcome' | 'opened' | 'imported'>

async function importOne(what: Import, context: OperationContext): Promise<Outcome> {
  const { app, source, before } = what
  const scratch = await context.scratchFolder()
  try {
    const hash = createHash('sha256')
    const file = await spool(hashed(await source.read(context.signal), hash), scratch.path, context)
    const sha256 = hash.digest('hex')
    const known = before.pointOf(sha256)
    const repositories = before.lacking(sha256, app)
    if (known !== undefined && repositories.length === 0) {
      await file.close()
      return { outcome: 'imported before', imported: { point: known, sha256 } }
    }
    return await importSpooled(
      { ...what, app: { ...app, repositories } },
      { file, sha256, folder: scratch.path },
      context,
    )
  } finally {
    await scratch.remove()
  }
}

async function* hashed(content: Bytes, hash: { update(chunk: Uint8Array): unknown }): Bytes {
  for await (const chunk of content) {
    hash.update(chunk)
    yield chunk
  }
}

interface Local {
  readonly file: Spooled
  readonly sha256: string
  readonly folder: string
}

async function importSpooled(
  what: Import,
  { file, sha256, folder }: Local,
  context: OperationContext,
): Promise<Outcome> {
  const { app, source, request, before } = what
  const { password, limits } = request
  const { size: bytes } = file
  const staged = await stage({ file, name: source.name, password, limits }, folder, context)
  try {
    const origin = { source: source.name, sha256, bytes }
    const parts = await loadParts(app, staged, { ...request, origin, folder }, context)
    try {
      const known = (name: string): KnownCommits => before.commitsOf(name)
      const report = await capture(app, parts, staged, { sha256, known }, context)
      before.add(sha256, report)
      await holdImported(app, report, context)
      return outcomeOf(report, parts, staged, sha256)
    } finally {
      await closeOrWarn(() => parts.close(), context)
    }
  } finally {
    await staged.close()
  }
}

/** The copy is not needed once it was read. */
async function stage(request: OpenSpooled, folder: string, context: OperationContext): Promise<Staged> {
  try {
    return await stageKleidia(request, folder, context)
  } finally {
    await request.file.close()
  }
}

async function capture(
  app: App,
  { components, missing }: LoadedParts,
  { contents }: Staged,
  { sha256, known }: { readonly sha256: string; readonly known: (repository: string) => KnownCommits },
  context: OperationContext,
): Promise<BackupReport> {
  const notKnown = contents.unknown.map(
    (part) => `part ${JSON.stringify(part)} of the file, which its documentation does not know`,
  )
  const order = {
    app: app.name,
    point: context.newId(),
    remarks: [KLEIDIA_REMARK, fileRemark(sha256)],
    missing: missing.map(({ name, driver: { kind } }) => ({ name, kind, reason: 'not in the imported backup' })),
    indivisible: true,
  }
  const [first, ...others] = components
  if (first === undefined) throw new Failure('bug', 'a Kleidia backup without parts')
  return executeBackup({ ...app, components: [alsoMissing(first, notKnown), ...others] }, order, context, known)
}

function alsoMissing(component: AppComponent, what: readonly string[]): AppComponent {
  const { driver } = component
  const capturing: typeof driver.capture = async (...given) => {
    const captured = await driver.capture(...given)
    return { ...captured, notCaptured: [...captured.notCaptured, ...what] }
  }
  return what.length === 0 ? component : { ...component, driver: { ...driver, capture: capturing } }
}

function outcomeOf(report: BackupReport, parts: LoadedParts, staged: Staged, sha256: string): Outcome {
  const { point, created, truth, durationMilliseconds, repositories, components } = report
  const isWhole = report.outcome === 'done' && staged.contents.unknown.length === 0
  return {
    outcome: isWhole ? 'imported' : 'incomplete',
    opened: openedOf(staged),
    imported: {
      point,
      sha256,
      made: {
        created,
        truth,
        durationMilliseconds,
        repositories,
        components: components.map(({ name }) => name),
        missing: parts.missing.map(({ name }) => name),
        notCaptured: components.flatMap(({ notCaptured }) => notCaptured),
      },
    },
  }
}
