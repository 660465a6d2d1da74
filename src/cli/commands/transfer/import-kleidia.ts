import { resolve } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import { Secret } from '../../../core/secret.ts'
import { kleidiaSources, type KleidiaLocation } from '../../../interop/kleidia-v1/kleidia-sources.ts'
import { planKleidiaImport, runKleidiaImport } from '../../../interop/kleidia-v1/import-points.ts'
import {
  importKleidia,
  isComplete,
  onlyFailure,
  usualLimits,
  type ArchiveLimits,
  type KleidiaAct,
  type KleidiaFile,
  type KleidiaHeader,
  type KleidiaImported,
  type KleidiaReport,
} from '../../../interop/kleidia-v1/import-kleidia.ts'
import { acceptedOfDump, type AcceptOptions } from '../../ask/import-acceptance.ts'
import { formatBytes, formatDuration, formatTable, plural } from '../../print/format.ts'
import { chooseApp, guarded, resultPrinter, type Command } from '../../run-command.ts'
import type { CommonOptions, World } from '../../world.ts'

export const KLEIDIA_PASSWORD = 'HOLDFAST_KLEIDIA_PASSWORD'

export interface ImportKleidiaOptions extends AcceptOptions {
  readonly unpack?: string
  readonly verify?: boolean
  readonly mount?: string
  readonly component?: readonly string[]
  readonly maxBytes?: string
  readonly maxRatio?: string
  readonly endpoint?: string
  readonly region?: string
  readonly ca?: string
}

/** `holdfast import kleidia-v1 <location>` */
export async function importKleidiaV1(
  world: World,
  common: CommonOptions,
  where: string,
  options: ImportKleidiaOptions,
): Promise<number> {
  return await guarded(world, common, async (view) => {
    const context = world.context(view.show)
    const report = await world.withScratchFolder(async (scratchFolder) =>
      importKleidia(
        kleidiaSources(locationOf(where, options), context),
        await actOf(world, options, scratchFolder),
        context,
      ),
    )
    return printed(report, resultPrinter(world, common, view))
  })
}

/** `holdfast import kleidia-v1 <location> <app>` */
export async function importKleidiaInto(
  { world, assembly, result }: Command,
  given: { readonly where: string; readonly app: string },
  options: ImportKleidiaOptions,
): Promise<number> {
  if (options.unpack !== undefined || options.verify === true)
    throw new Failure('usage', '--verify and --unpack make no restore point: leave out the app')
  const { context } = assembly
  const app = chooseApp(assembly.apps, given.app)
  const { mount, component: components } = options
  const location = locationOf(given.where, options)
  const request = { location, limits: limitsOf(options), mount, components, ...acceptedOfDump(options) }
  const order = planKleidiaImport(app, request)
  return printed(await runKleidiaImport(app, order, await askPassword(world), context), result)
}

function printed(report: KleidiaReport, result: Command['result']): number {
  const failure = onlyFailure(report)
  if (failure !== undefined) throw failure
  result({ report }, () => textOf(report))
  return isComplete(report) ? 0 : 3
}

function locationOf(where: string, { endpoint, region, ca }: ImportKleidiaOptions): KleidiaLocation {
  return {
    where: where.startsWith('s3:') ? where : resolve(where),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(ca === undefined ? {} : { ca: resolve(ca) }),
  }
}

async function actOf(world: World, options: ImportKleidiaOptions, scratchFolder: string): Promise<KleidiaAct> {
  const { unpack, verify } = options
  const limits = limitsOf(options)
  if (unpack !== undefined && verify === true)
    throw new Failure('usage', '--unpack verifies already: leave out --verify')
  if (unpack !== undefined)
    return { type: 'unpack', password: await askPassword(world), folder: resolve(unpack), limits }
  if (verify === true) return { type: 'verify', password: await askPassword(world), scratchFolder, limits }
  return { type: 'list' }
}

function limitsOf({ maxBytes, maxRatio }: ImportKleidiaOptions): ArchiveLimits {
  return {
    expandedBytes: positive(maxBytes, '--max-bytes') ?? usualLimits.expandedBytes,
    ratio: positive(maxRatio, '--max-ratio') ?? usualLimits.ratio,
  }
}

async function askPassword(world: World): Promise<Secret> {
  return new Secret(
    world.variable(KLEIDIA_PASSWORD) ?? (await world.ask.password('Password of the Kleidia backup', KLEIDIA_PASSWORD)),
  )
}

function positive(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Failure('usage', `${option} ${JSON.stringify(text)} is no whole number above 0`)
}

function textOf({ files }: KleidiaReport): string {
  const rows = files.map((file) => [
    file.name,
    formatBytes(file.size),
    file.outcome === 'failed' ? 'FAILED' : file.outcome === 'incomplete' ? 'INCOMPLETE' : file.outcome,
    ...partsOf(file),
  ])
  return [
    formatTable(['file', 'size', 'outcome', 'created', 'type'], rows, [1]),
    '',
    ...files.flatMap(remarksOf),
    endOf(files),
  ].join('\n')
}

/** Control characters of a stranger's header must not reach the terminal. */
function printable(text: string | null): string {
  return (text ?? '-').replace(/[^\x20-\x7e]/g, '?').slice(0, 40)
}

function partsOf({ claimed, opened }: KleidiaFile): readonly [string, string] {
  const header: KleidiaHeader | undefined = opened?.header ?? claimed
  return [printable(header?.created ?? null), printable(header?.backupType ?? null)]
}

function remarksOf({ name, opened, failure, imported }: KleidiaFile): readonly string[] {
  return [
    ...(failure === undefined ? [] : [`${name}: ${failure.message}`]),
    ...(opened?.folder === undefined ? [] : [`${name}: unpacked into ${opened.folder}, readable by you only`]),
    ...(opened?.unknownParts ?? []).map((part) => `${name}: ${JSON.stringify(part)} is not known and was NOT taken`),
    ...(imported === undefined ? [] : pointLines(name, imported)),
    ...(opened?.disagreements ?? []).map((what) => `${name}: the header was changed, or written wrongly: ${what}`),
    ...(opened?.remarks ?? []).map((what) => `${name}: remark: ${what}`),
  ]
}

function pointLines(name: string, { point, made }: KleidiaImported): readonly string[] {
  if (made === undefined) return [`${name}: is restore point ${point} already`]
  return [
    `${name}: restore point ${point}, ${made.missing.length === 0 ? made.truth : `INCOMPLETE: without ${made.missing.join(', ')}`}, ${formatDuration(made.durationMilliseconds)}`,
    ...made.repositories.map(
      ({ name: to, outcome, location, failure }) => `  ${to}: ${failure?.message ?? outcome}, ${location}`,
    ),
    ...made.notCaptured.map((what) => `  not captured: ${what}`),
  ]
}

function endOf(files: readonly KleidiaFile[]): string {
  const opened = files.flatMap((file) => file.opened ?? [])
  if (opened.length === 0 && files.some(({ imported }) => imported !== undefined)) return 'Nothing is new.'
  if (opened.length === 0) {
    const listed = files.filter(({ outcome }) => outcome === 'listed')
    return `${plural(listed.length, 'backup')}. Time and type are claims that nothing proves; --verify and --unpack prove them with the password.`
  }
  const secrets = opened.reduce((sum, found) => sum + found.secrets, 0)
  const isClear = opened.some(({ folder }) => folder !== undefined)
  return [
    `${plural(opened.length, 'backup')} authenticated and read whole, with ${plural(secrets, 'secret')}.`,
    ...(files.some(({ imported }) => imported?.made !== undefined)
      ? ['A point that was imported is named by its id only, never by latest, and held until holdfast release <point>.']
      : []),
    ...(isClear ? ['What was unpacked is in clear: remove it when you are done.'] : []),
  ].join('\n')
}
