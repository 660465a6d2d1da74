import { constants } from 'node:fs'
import { access, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Failure, systemFailure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { nameDurably, renameDurably } from '../../../system/files/durable-file.ts'
import { hasCode } from '../../../system/files/errno.ts'
import { randomHex } from '../../../system/random.ts'
import { syncFolder } from '../../../system/files/sync-folder.ts'
import type { ArtifactSource } from '../../transfer.ts'
import type { DumpOutput, WrittenDump } from '../../capabilities/dumps.ts'
import type { LoadTarget } from '../restore/load/load.ts'
import { restoreNames } from '../names.ts'
import type { PostgresDetails, PostgresSettings } from '../schema.ts'
import { sentenceForDump } from '../restore/second-pass/way.ts'
import { ScratchTarget } from '../restore/target/scratch.ts'
import { restoreServer } from '../restore/target/database-target.ts'
import { returnFindings } from '../tools/tools-restore.ts'
import { runTool, streamTool } from '../tools/tool-run.ts'
import { sqlOverExisting } from './sql-over-existing.ts'

/** Restores into a throw-away server, compares as a drill does, and lets pg_dump write what is there. */
export async function writeDumpFile(
  settings: PostgresSettings,
  details: PostgresDetails,
  source: ArtifactSource,
  output: DumpOutput,
  context: Context,
): Promise<WrittenDump> {
  await assertFree(output.path)
  const restoreId = randomHex(4)
  const names = restoreNames(settings.database, restoreId)
  const target = new ScratchTarget(
    { settings, server: restoreServer(settings), names, restoreId, accept: output.accept ?? [] },
    output.scratchFolder,
  )
  try {
    await target.load(details, source, context)
    await assertEqual(target, details, source, context)
    for (const { name } of details.withoutRows ?? [])
      context.progress({
        type: 'warning',
        message: `the dump has no rows of ${name}: the point leaves them out on purpose`,
      })
    for (const way of target.waysTaken()) context.progress({ type: 'warning', message: sentenceForDump(way) })
    const place = await target.loadPlace(details, context)
    for (const { subject, message, hint } of returnFindings(place.tools, details.serverVersion))
      context.progress({ type: 'warning', message: `${subject} ${message}. ${hint ?? ''}` })
    return await writeFrom(place, output, context)
  } finally {
    // Also after Ctrl-C: a throw-away server must not outlive its export.
    await target.discard({ ...context, signal: new AbortController().signal })
  }
}

async function assertEqual(
  target: ScratchTarget,
  details: PostgresDetails,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  const [first, ...more] = await target.compare(details, context, source)
  if (first === undefined) return
  const how = `${first.subject}: expected ${first.expected}, found ${first.found}`
  throw new Failure(
    'corrupt',
    `the restored database differs from what was captured: ${how}${more.length === 0 ? '' : ` and ${more.length} more`}`,
    {
      hint: 'holdfast drill shows all differences, definitions as text. Use another restore point.',
    },
  )
}

/** The dump gets its name only when it is whole and on the disk. */
async function writeFrom(place: LoadTarget, output: DumpOutput, context: Context): Promise<WrittenDump> {
  const { path, format } = output
  const unfinished = join(dirname(path), `.${basename(path)}.${randomHex(4)}.unfinished`)
  context.progress({ type: 'phase', phase: 'export', detail: path })
  try {
    const bytes = await context.effects.run('write dump', async () =>
      format === 'directory'
        ? writeFolder(place, unfinished, context)
        : writeFile(await contentOf(place, output, context), output, unfinished, context),
    )
    await context.effects.run('name dump', () => nameIt(unfinished, path, format))
    return { path, format, bytes, software: place.tools.versionText }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
}

function contentOf(place: LoadTarget, { format, overExisting }: DumpOutput, context: Context): Promise<Bytes> | Bytes {
  if (overExisting === true) return sqlOverExisting(place, context)
  const args = [`--format=${format === 'sql' ? 'plain' : 'custom'}`]
  return streamTool({ ...place, program: 'pg_dump', args }, context)
}

function writeFile(
  content: Bytes,
  { mostBytes = Infinity }: DumpOutput,
  path: string,
  context: Context,
): Promise<number> {
  return attemptWrite(path, () => save(content, path, mostBytes, context))
}

/** Readable for us alone, as it holds what the repository encrypts. */
async function save(content: Bytes, path: string, mostBytes: number, context: Context): Promise<number> {
  const file = await open(path, 'wx', 0o600)
  let bytes = 0
  try {
    for await (const chunk of content) {
      bytes += chunk.length
      if (bytes > mostBytes) throw tooLarge(mostBytes)
      await file.writeFile(chunk)
      context.progress({ type: 'bytes', subject: basename(path), done: bytes })
    }
    await file.sync()
    return bytes
  } finally {
    await file.close()
  }
}

function tooLarge(mostBytes: number): Failure {
  return new Failure('refused', `the database is more than ${mostBytes} bytes of SQL`, {
    hint: 'Readers of the format that was asked for cannot take it. Restore from the restore point itself.',
  })
}

async function writeFolder(place: LoadTarget, path: string, context: Context): Promise<number> {
  // Silent while it writes, so only the total limit ends it.
  const limits = { ...place.limits, idleLimit: place.limits.totalLimit }
  await runTool({ ...place, limits, program: 'pg_dump', args: ['--format=directory', `--file=${path}`] }, context)
  let bytes = 0
  for (const name of await readdir(path)) {
    await syncFile(join(path, name))
    bytes += (await stat(join(path, name))).size
  }
  await syncFolder(path)
  return bytes
}

/** Whatever came to be there meanwhile stays: a link replaces nothing, and a folder is put over none but an empty one. */
async function nameIt(unfinished: string, path: string, format: DumpOutput['format']): Promise<void> {
  await assertFree(path)
  await (format === 'directory' ? renameDurably(unfinished, path) : nameDurably(unfinished, path))
}

async function assertFree(path: string): Promise<void> {
  const found = await stat(path).then(
    () => true,
    (error: unknown) => !hasCode(error, 'ENOENT'),
  )
  if (found)
    throw new Failure('refused', `${path} is there already, or its folder cannot be entered`, {
      hint: 'Nothing was written. Name a file that does not exist.',
    })
  const parent = await stat(dirname(path)).catch(() => undefined)
  if (parent?.isDirectory() !== true)
    throw new Failure('notFound', `there is no folder ${dirname(path)} to write to`, {
      hint: 'Make the folder, or name another with --output.',
    })
  await access(dirname(path), constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw cannotWrite(`folder ${dirname(path)}`, cause)
  })
}

function cannotWrite(path: string, cause: unknown): Failure {
  return systemFailure(
    `${path} cannot be written`,
    cause,
    'Free some space, get the right, or name another folder with --output.',
  )
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function attemptWrite<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Failure || !(error instanceof Error && 'code' in error)) throw error
    throw cannotWrite(path, error)
  }
}
