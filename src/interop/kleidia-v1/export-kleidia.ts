import { createReadStream } from 'node:fs'
import { access, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import type { GivenSecrets } from '../../components/capabilities/secret-lists.ts'
import type { ManifestComponent } from '../../repository/documents/documents.ts'
import { backupType, LONGEST_SQL, weaknesses, type KleidiaContent } from './format/kleidia-content.ts'
import { isThere, writeKleidiaFile } from './write/write-kleidia-file.ts'
import type { PointReader } from '../../repository/repository.ts'
import type { App, AppComponent, OperationContext } from '../../operations/app.ts'
import { hasSecretLists, type WithSecretLists } from './load-parts.ts'
import { hasDumps, type WithDumps } from '../../operations/import/import.ts'
import { findOrdered } from '../../operations/points/find-point.ts'
import { findInApps } from '../../operations/points/show-point.ts'
import { detailsOf, openPoint, sourceOf } from '../../operations/source.ts'

/** What an export is to do: all but the password, which is given beside it. It can be stored as JSON. */
const kleidiaExportOrder = z.object({
  app: z.string(),
  point: z.string(),
  /** The name of the repository to read from. */
  repository: z.string(),
  /** An absolute path at which nothing is yet. */
  output: z.string().refine((path) => isAbsolute(path), 'is not an absolute path'),
  /** The KV mount to take the secrets of. */
  mount: z.string().optional(),
  /** The components to choose from, when the app has several of a kind. */
  components: z.array(z.string()).readonly().optional(),
})
export type KleidiaExportOrder = Readonly<z.infer<typeof kleidiaExportOrder>>

export interface KleidiaExportRequest extends Pick<KleidiaExportOrder, 'output' | 'mount' | 'components'> {
  /** `latest`, an id or its start, or a time. */
  readonly choice: string
  readonly app?: string | undefined
}

type Exporting = Pick<KleidiaExportOrder, 'output' | 'mount' | 'components'> & { readonly password: Secret }

/** Chooses the point; changes nothing. */
export async function planKleidiaExport(
  apps: readonly App[],
  { choice, app, output, mount, components }: KleidiaExportRequest,
  context: OperationContext,
): Promise<KleidiaExportOrder> {
  const { point, repositoryName: repository } = await findInApps(apps, choice, app, context)
  const place = { app: point.commit.app, point: point.point, repository }
  return kleidiaExportOrder.parse({ ...place, output: resolve(output), mount, components })
}

/** Writes what the order says. `app` is the one that it names. */
export async function runKleidiaExport(
  app: App,
  order: KleidiaExportOrder,
  password: Secret,
  context: OperationContext,
): Promise<KleidiaExportReport> {
  const { repository } = await findOrdered(app, order, context)
  return await exportKleidia(app, await openPoint(repository, order.point, context), { ...order, password }, context)
}

export interface KleidiaExportReport {
  readonly app: string
  readonly point: string
  readonly path: string
  readonly bytes: number
  readonly backupType: string
  readonly components: readonly string[]
  readonly secrets: number
  /** What of the restore point is not in the file. */
  readonly leftOut: readonly string[]
  /** What the format cannot promise. */
  readonly weaknesses: readonly string[]
  readonly durationMilliseconds: number
}

/** Writes database and secrets of a restore point as Kleidia writes its backups: the database restored and compared before, the file read back. */
export async function exportKleidia(
  app: App,
  reader: PointReader,
  request: Exporting,
  context: OperationContext,
): Promise<KleidiaExportReport> {
  const begun = context.clock.monotonic()
  const path = resolve(request.output)
  await assertFree(path)
  const parts = chooseParts(app, reader, request)
  const scratch = await context.scratchFolder()
  try {
    const secrets = parts.secrets && (await secretsOf(parts.secrets, reader, request, context))
    const sql = parts.database && (await sqlOf(parts.database, reader, scratch.path, context))
    const created = new Date(reader.commit.created)
    const content = { created, includesAudit: true, sql, secrets: secrets?.secrets }
    const spool = { path, password: request.password, spoolFolder: scratch.path }
    const { size, contents } = await writeKleidiaFile(content, spool, context)
    return {
      app: app.name,
      point: reader.commit.point,
      path,
      bytes: size,
      backupType: backupType(content),
      components: [parts.database, parts.secrets].flatMap((part) => part?.component.name ?? []),
      secrets: contents.secretCount,
      leftOut: [...(secrets?.leftOut() ?? []), ...otherComponents(reader, parts)],
      weaknesses,
      durationMilliseconds: Math.round(context.clock.monotonic() - begun),
    }
  } finally {
    await scratch.remove()
  }
}

interface Part<Kind extends AppComponent> {
  readonly component: Kind
  readonly captured: ManifestComponent
}

interface Parts {
  readonly database: Part<WithDumps> | undefined
  readonly secrets: Part<WithSecretLists> | undefined
}

function chooseParts(app: App, reader: PointReader, request: Exporting): Parts {
  const database = thePart(app, hasDumps, reader, request)
  const secrets = thePart(app, hasSecretLists, reader, request)
  if (database !== undefined || secrets !== undefined) return { database, secrets }
  throw new Failure('notFound', `restore point ${reader.commit.point} has neither a database nor secrets of OpenBao`, {
    hint: `holdfast show ${reader.commit.point} lists what it has.`,
  })
}

function thePart<Kind extends AppComponent>(
  app: App,
  fits: (component: AppComponent) => component is Kind,
  { manifest, commit }: PointReader,
  { components: chosen }: Exporting,
): Part<Kind> | undefined {
  const found = app.components.filter(fits).flatMap((component) => {
    const captured = manifest.components.find(({ name }) => name === component.name)
    const isWanted = chosen === undefined || chosen.includes(component.name)
    return captured === undefined || !isWanted ? [] : [{ component, captured }]
  })
  if (found.length < 2) return found[0]
  const names = found.map(({ component }) => component.name).join(', ')
  throw new Failure('usage', `restore point ${commit.point} has ${found.length} components for one part of the file`, {
    hint: `Name those to export with --component: ${names}.`,
  })
}

function otherComponents({ manifest }: PointReader, { database, secrets }: Parts): readonly string[] {
  return manifest.components
    .filter(({ name }) => name !== database?.component.name && name !== secrets?.component.name)
    .map(({ name, kind }) => `component ${name} (${kind})`)
}

function secretsOf(
  { component, captured }: Part<WithSecretLists>,
  reader: PointReader,
  { mount }: Exporting,
  context: OperationContext,
): Promise<GivenSecrets> {
  const { driver } = component
  return driver.secretLists.give(detailsOf(driver, captured), sourceOf(reader, captured, context), mount)
}

/** Its file is in the scratch folder, and gone with it. */
async function sqlOf(
  { component, captured }: Part<WithDumps>,
  reader: PointReader,
  folder: string,
  context: OperationContext,
): Promise<KleidiaContent['sql']> {
  const { driver, settings } = component
  const path = join(folder, 'database.sql')
  const request = { format: 'sql', path, scratchFolder: folder, mostBytes: LONGEST_SQL, overExisting: true } as const
  const source = sourceOf(reader, captured, context)
  const { bytes } = await driver.dumps.write(settings, detailsOf(driver, captured), source, request, context)
  return { size: bytes, content: readOnce(path) }
}

async function* readOnce(path: string): AsyncGenerator<Uint8Array> {
  // A stream without an encoding gives bytes.
  yield* createReadStream(path) as AsyncIterable<Uint8Array>
  await rm(path)
}

async function assertFree(path: string): Promise<void> {
  const parent = await stat(dirname(path)).catch(() => undefined)
  if (parent?.isDirectory() !== true) throw new Failure('notFound', `there is no folder ${dirname(path)} to write to`)
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists) throw isThere(path)
}
