import { join } from 'node:path'
import { Failure, isFailure, toFailure, type FailureKind } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { ArchiveLimits } from './read/expand.ts'
import { inspectKleidia } from './read/inspect.ts'
import { verifyKleidia, type Opened } from './read/open.ts'
import type { KleidiaSource } from './format/source.ts'
import type { BackupReport } from '../../operations/backup/report.ts'
import { unpackKleidia, type Unpacked } from './read/unpack.ts'

export type { ArchiveLimits } from './read/expand.ts'
export { usualLimits } from './read/expand.ts'
export type { KleidiaSource } from './format/source.ts'

/** How far to go: read the headers, read everything and keep nothing, or unpack each file into a folder of its name. */
export type KleidiaAct =
  | { readonly type: 'list' }
  | {
      readonly type: 'verify'
      readonly password: Secret
      readonly scratchFolder: string
      readonly limits: ArchiveLimits
    }
  | { readonly type: 'unpack'; readonly password: Secret; readonly folder: string; readonly limits: ArchiveLimits }

/** What a header says; `null` where it does not. */
export interface KleidiaHeader {
  readonly created: string | null
  readonly backupType: string | null
  readonly includesDatabase: boolean | null
  readonly includesSecrets: boolean | null
  readonly includesAudit: boolean | null
}

/** What was proven by opening a file. */
export interface KleidiaOpened {
  readonly header: KleidiaHeader
  /** What the checksum covers and how it is written, for example `ciphertext and tag, hex`; `none` when there is none. */
  readonly checksum: string
  readonly authenticatedBeside: string
  readonly secrets: number
  /** Where the unauthenticated header says something else. */
  readonly disagreements: readonly string[]
  /** Where the header inside lacks a claim or has another than the documented ones. */
  readonly remarks: readonly string[]
  /** Parts that the documentation does not know, and that were not unpacked. */
  readonly unknownParts: readonly string[]
  readonly folder?: string
  readonly sql?: { readonly size: number; readonly sha256: string }
}

export interface KleidiaFile {
  readonly name: string
  readonly location: string
  readonly size: number
  readonly outcome:
    | 'listed'
    | 'verified'
    | 'unpacked'
    | 'imported'
    | 'imported before'
    | 'incomplete'
    | 'not a backup'
    | 'failed'
  /** Not authenticated: anybody who can write to the storage can change it. */
  readonly claimed?: KleidiaHeader
  readonly opened?: KleidiaOpened
  readonly imported?: KleidiaImported
  readonly failure?: { readonly kind: FailureKind; readonly message: string; readonly hint?: string }
}

/** The restore point that a file became. */
export interface KleidiaImported {
  readonly point: string
  /** Of the file. */
  readonly sha256: string
  /** Absent when it was made by an earlier run. */
  readonly made?: Pick<BackupReport, 'created' | 'truth' | 'durationMilliseconds' | 'repositories'> & {
    readonly components: readonly string[]
    /** Components of the app that are not in such a file. */
    readonly missing: readonly string[]
    readonly notCaptured: readonly string[]
  }
}

export interface KleidiaReport {
  readonly files: readonly KleidiaFile[]
}

/** Takes every file, one after the other: what fails is in the report, and the others are taken all the same. */
export async function importKleidia(
  sources: AsyncIterable<KleidiaSource>,
  act: KleidiaAct,
  context: Context,
): Promise<KleidiaReport> {
  return takeAll(sources, act.type, (source) => takeSo(source, act, context), context)
}

type Taken = Pick<KleidiaFile, 'outcome' | 'opened' | 'imported'>
type Take = (source: KleidiaSource) => Promise<Taken>

export async function takeAll(
  sources: AsyncIterable<KleidiaSource>,
  phase: string,
  take: Take,
  context: Context,
): Promise<KleidiaReport> {
  const files: KleidiaFile[] = []
  for await (const source of sources) {
    context.progress({ type: 'phase', phase, detail: source.name })
    files.push(await takeOne(source, take, context))
  }
  return { files }
}

/** The failure of a file that was asked for alone; of several, each has its own in the report. */
export function onlyFailure({ files }: KleidiaReport): Failure | undefined {
  const [only, ...others] = files
  if (others.length > 0 || only?.failure === undefined) return undefined
  const { kind, message, hint } = only.failure
  return new Failure(kind, message, hint === undefined ? {} : { hint })
}

export function isComplete({ files }: KleidiaReport): boolean {
  return files.every(({ outcome }) => outcome !== 'failed' && outcome !== 'incomplete')
}

async function takeOne(source: KleidiaSource, take: Take, context: Context): Promise<KleidiaFile> {
  const { name, location, size } = source
  const about = { name, location, size }
  let claimed: KleidiaHeader | undefined
  try {
    claimed = headerOf(await inspectKleidia(source, context))
    return { ...about, claimed, ...(await take(source)) }
  } catch (error) {
    // Who cancels wants to stop, not a report of files that were cancelled.
    if (isFailure(error, 'cancelled') || context.signal.aborted) throw error
    return { ...about, ...failed(error, claimed) }
  }
}

async function takeSo(source: KleidiaSource, act: KleidiaAct, context: Context): Promise<Taken> {
  if (act.type === 'list') return { outcome: 'listed' }
  const opened = openedOf(await open(source, act, context))
  return { outcome: outcomeOf(act.type, opened), opened }
}

function failed(error: unknown, claimed: KleidiaHeader | undefined): Omit<KleidiaFile, 'name' | 'location' | 'size'> {
  const failure = toFailure(error)
  if (failure.kind === 'bug') throw error
  const { kind, message, hint } = failure
  const isForeign = kind === 'unsupported' && claimed === undefined
  return {
    outcome: isForeign ? 'not a backup' : 'failed',
    ...(claimed === undefined ? {} : { claimed }),
    failure: { kind, message, ...(hint === undefined ? {} : { hint }) },
  }
}

async function open(
  source: KleidiaSource,
  act: Exclude<KleidiaAct, { type: 'list' }>,
  context: Context,
): Promise<Opened | Unpacked> {
  const { password, limits } = act
  if (act.type === 'verify')
    return await verifyKleidia({ source, password, limits, folder: act.scratchFolder }, context)
  return await unpackKleidia({ source, password, limits }, join(act.folder, source.name), context)
}

function outcomeOf(type: 'verify' | 'unpack', { unknownParts }: KleidiaOpened): KleidiaFile['outcome'] {
  if (unknownParts.length > 0) return 'incomplete'
  return type === 'verify' ? 'verified' : 'unpacked'
}

type Header = Readonly<Record<keyof KleidiaHeader, unknown>> & {
  readonly created: string | undefined
  readonly backupType: string | undefined
  readonly includesDatabase: boolean | undefined
  readonly includesSecrets: boolean | undefined
  readonly includesAudit: boolean | undefined
}

function headerOf(header: Header): KleidiaHeader {
  return {
    created: header.created ?? null,
    backupType: header.backupType ?? null,
    includesDatabase: header.includesDatabase ?? null,
    includesSecrets: header.includesSecrets ?? null,
    includesAudit: header.includesAudit ?? null,
  }
}

export function openedOf(found: Opened | Unpacked): KleidiaOpened {
  const { contents, checksum, additional } = found
  return {
    header: headerOf(contents.truth),
    checksum: checksum.verdict === 'matches' ? `${checksum.coverage}, ${checksum.encoding}` : 'none',
    authenticatedBeside: additional,
    secrets: contents.secretCount,
    disagreements: contents.disagreements,
    remarks: contents.remarks,
    unknownParts: contents.unknown,
    ...('folder' in found ? { folder: found.folder } : {}),
    ...('sql' in found && found.sql !== undefined ? { sql: { size: found.sql.size, sha256: found.sql.sha256 } } : {}),
  }
}
