import { resolve } from 'node:path'
import { Failure } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'
import {
  importKleidia,
  isComplete,
  onlyFailure,
  usualLimits,
  type KleidiaAct,
  type KleidiaFile,
  type KleidiaHeader,
  type KleidiaReport,
} from '../../operations/import-kleidia/import-kleidia.ts'
import { formatBytes, formatTable, plural } from '../format.ts'
import { guarded, resultPrinter } from '../run-command.ts'
import type { CommonOptions, World } from '../world.ts'

const PASSWORD = 'HOLDFAST_KLEIDIA_PASSWORD'

export interface ImportKleidiaOptions {
  readonly unpack?: string
  readonly verify?: boolean
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
    const { endpoint, region, ca } = options
    const server = {
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      ...(ca === undefined ? {} : { caFile: resolve(ca) }),
    }
    const report = await world.withScratchFolder(async (scratchFolder) =>
      importKleidia(
        world.kleidiaSources({ where, ...server }, context),
        await actOf(world, options, scratchFolder),
        context,
      ),
    )
    const failure = onlyFailure(report)
    if (failure !== undefined) throw failure
    resultPrinter(world, common, view)({ report }, () => textOf(report))
    return isComplete(report) ? 0 : 3
  })
}

async function actOf(world: World, options: ImportKleidiaOptions, scratchFolder: string): Promise<KleidiaAct> {
  const { unpack, verify } = options
  const limits = {
    expandedBytes: positive(options.maxBytes, '--max-bytes') ?? usualLimits.expandedBytes,
    ratio: positive(options.maxRatio, '--max-ratio') ?? usualLimits.ratio,
  }
  if (unpack !== undefined && verify === true)
    throw new Failure('usage', '--unpack verifies already: leave out --verify')
  if (unpack !== undefined)
    return { type: 'unpack', password: await askPassword(world), folder: resolve(unpack), limits }
  if (verify === true) return { type: 'verify', password: await askPassword(world), scratchFolder, limits }
  return { type: 'list' }
}

async function askPassword(world: World): Promise<Secret> {
  return new Secret(world.variable(PASSWORD) ?? (await world.ask.password('Password of the Kleidia backup', PASSWORD)))
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

function remarksOf({ name, opened, failure }: KleidiaFile): readonly string[] {
  return [
    ...(failure === undefined ? [] : [`${name}: ${failure.message}`]),
    ...(opened?.folder === undefined ? [] : [`${name}: unpacked into ${opened.folder}, readable by you only`]),
    ...(opened?.unknownParts ?? []).map((part) => `${name}: ${JSON.stringify(part)} is not known and was NOT unpacked`),
    ...(opened?.disagreements ?? []).map((what) => `${name}: the header was changed, or written wrongly: ${what}`),
  ]
}

function endOf(files: readonly KleidiaFile[]): string {
  const opened = files.flatMap((file) => file.opened ?? [])
  if (opened.length === 0) {
    const listed = files.filter(({ outcome }) => outcome === 'listed')
    return `${plural(listed.length, 'backup')}. Time and type are claims that nothing proves; --verify and --unpack prove them with the password.`
  }
  const secrets = opened.reduce((sum, found) => sum + found.secrets, 0)
  const isClear = opened.some(({ folder }) => folder !== undefined)
  return [
    `${plural(opened.length, 'backup')} authenticated and read whole, with ${plural(secrets, 'secret')}.`,
    ...(isClear ? ['What was unpacked is in clear: remove it when you are done.'] : []),
  ].join('\n')
}
