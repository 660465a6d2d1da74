import { Failure, isAboutTheData, isFailure } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import { stream } from '../../../../system/process/run.ts'
import type { DumpRequest } from '../../../capabilities/dumps.ts'
import type { PostgresSettings } from '../../schema.ts'
import { limitsOf } from '../../tools/tool-run.ts'
import { findTools, pickTools } from '../../tools/tools.ts'
import type { Tools } from '../../tools/tools.ts'
import { describeVersion, floorFinding, majorOf, OLDEST_MAJOR } from '../../versions.ts'
import { proveArchive } from './archive-proof.ts'
import type { ArchiveProof } from './archive-proof.ts'
import { beginningOf, contentOf, openDumpFile } from './dump-file.ts'
import type { DumpFile } from './dump-file.ts'
import { assertNoOtherFile } from '../other-files.ts'

/** Any dump as plain SQL; pg_restore turns an archive into it, in a process that talks to no server. */
export interface DumpText {
  readonly file: DumpFile
  /** What an archive says that it holds; absent for plain SQL, whose last line proves it. */
  readonly archive?: ArchiveProof
  /** All of it, anew with each call. */
  whole(): Bytes
  /** Enough to know what is in it; of an archive without its rows. */
  outline(): Bytes
}

/** What archives of pg_dump begin with; the first file in a tar is the list of contents. */
const CUSTOM = Buffer.from('PGDMP')
const TAR = Buffer.from('toc.dat\0')
const BEGINNING = 8

/** Opens a dump of the format that the operator named; another one is refused with the right command. */
export async function openDumpText(
  settings: PostgresSettings,
  request: DumpRequest,
  context: Context,
): Promise<DumpText> {
  const { format, path, trusted } = request
  const tools = format === 'sql' ? undefined : await archiveTools(settings, trusted, context)
  const file = await openDumpFile(path, context)
  await assertFormat(file, request, context)
  if (tools === undefined) {
    const whole = (): Bytes => contentOf(file, trusted, context)
    return { file, whole, outline: whole }
  }
  const text = (...args: readonly string[]): Bytes => archiveText({ tools, file, request, settings }, args, context)
  const archive = await proveArchive(file, trusted, context)
  return { file, archive, whole: () => text(), outline: () => text('--section=pre-data') }
}

interface Archive {
  readonly tools: Tools
  readonly file: DumpFile
  readonly request: DumpRequest
  readonly settings: PostgresSettings
}

function archiveText({ tools, file, request, settings }: Archive, args: readonly string[], context: Context): Bytes {
  const isFolder = request.format === 'directory'
  const options = {
    file: tools.pgRestore,
    args: [`--format=${request.format}`, '--create', '--file=-', ...args, ...(isFolder ? [file.path] : [])],
    signal: context.signal,
    ...limitsOf(settings),
  }
  return readable(stream(options, isFolder ? undefined : contentOf(file, request.trusted, context)), file)
}

/** What pg_restore cannot read is damage of the archive. */
async function* readable(text: Bytes, { path }: DumpFile): Bytes {
  try {
    yield* text
  } catch (error) {
    if (!isFailure(error, 'toolFailed') || !isAboutTheData(error)) throw error
    if (error.message.includes('contains a newline or carriage return')) throw lineBreakInName(path, error)
    if (UNREADABLE.test(error.message)) throw notRead(path, error)
    throw new Failure('corrupt', `${path} cannot be read to its end: ${error.message}`, {
      cause: error,
      hint: 'It is cut off or damaged, or of a newer PostgreSQL. Use another copy, or make the dump again.',
    })
  }
}

/** The words of pg_restore for an archive of a newer version, and for a compression that it was built without. */
const UNREADABLE = /unsupported version \(|does not support compression/

function notRead(path: string, cause: Failure): Failure {
  return new Failure('unsupported', `${path} cannot be read by this pg_restore: ${cause.message}`, {
    cause,
    hint: 'Set toolsFolder to the client tools of the PostgreSQL that made the dump, or newer.',
  })
}

function lineBreakInName(path: string, cause: Failure): Failure {
  return new Failure('unsupported', `${path} is of a database with a line break in its name: ${cause.message}`, {
    cause,
    hint: 'Import a dump in plain SQL, or rename the database and dump it again.',
  })
}

/** An archive can make an old pg_restore run what it likes. */
async function archiveTools(settings: PostgresSettings, trusted: boolean, context: Context): Promise<Tools> {
  const found = await findTools(settings.toolsFolder, context)
  const newest = Math.max(OLDEST_MAJOR, ...found.map(({ version }) => majorOf(version)))
  const tools = pickTools(found, newest, settings.toolsFolder)
  const { message, hint } = floorFinding(tools)
  if (!tools.belowFloor) return tools
  const what = `pg_restore ${describeVersion(tools.version)}: ${message}`
  if (!trusted)
    throw new Failure('refused', what, {
      hint: `${hint ?? ''} If you trust whoever made the dump with this machine, add --accept trust-dump.`.trim(),
      facts: { accept: 'trust-dump' },
    })
  context.progress({ type: 'warning', message: `${what}; used because of --accept trust-dump` })
  return tools
}

async function assertFormat(file: DumpFile, { format, path }: DumpRequest, context: Context): Promise<void> {
  if (file.bytes === 0) throw new Failure('corrupt', `${path} is empty`, { hint: 'Use another copy of the dump.' })
  const found = file.isFolder ? 'directory' : await kindOf(file, context)
  if (found === format) return
  if (found === 'tar')
    throw new Failure(
      'unsupported',
      `${path} is a dump in tar format, which PostgreSQL's own tools misread when it is damaged`,
      {
        hint: 'Make the dump with pg_dump --format=custom.',
      },
    )
  throw new Failure('usage', `${path} is no dump in ${format} format`, {
    hint: `It looks like one for holdfast import ${found}.${file.isFolder ? ' For a folder of dumps there is holdfast import dumps.' : ''}`,
  })
}

async function kindOf(file: DumpFile, context: Context): Promise<'custom' | 'tar' | 'sql'> {
  const beginning = await beginningOf(file, BEGINNING, context)
  assertNoOtherFile(file.path, beginning)
  if (beginning.subarray(0, CUSTOM.length).equals(CUSTOM)) return 'custom'
  return beginning.equals(TAR) ? 'tar' : 'sql'
}
