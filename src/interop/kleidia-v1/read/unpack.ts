import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import { renameDurably } from '../../../system/files/durable-file.ts'
import { exists } from '../../../system/files/errno.ts'
import { randomHex } from '../../../system/random.ts'
import { syncFolder } from '../../../system/files/sync-folder.ts'
import type { ArchiveParts } from './archive-reader.ts'
import { openKleidia, type OpenRequest, type Opened } from './open.ts'
import type { SlowSink } from './read-archive.ts'
import { secretLine } from '../format/secret-lines.ts'
import { TextFile, type WrittenFile } from '../format/text-file.ts'

export interface Unpacked extends Opened {
  /** The folder with the files below and `header.json`. */
  readonly folder: string
  /** Absent when the backup has none. */
  readonly sql: WrittenFile | undefined
  readonly secrets: WrittenFile | undefined
}

const SQL_FILE = 'database.sql'
const SECRETS_FILE = 'secrets.jsonl'
const HEADER_FILE = 'header.json'

/**
 * Unpacks a file into `target`, a folder that must not exist yet. It appears under that name, whole, when everything
 * was authenticated and read; until then it is beside it under a name that starts with a dot.
 */
export async function unpackKleidia(
  request: Omit<OpenRequest, 'folder'>,
  target: string,
  context: Context,
): Promise<Unpacked> {
  await refuseExisting(target)
  const partial = join(dirname(target), `.unpack-${randomHex(8)}`)
  const sink = new FolderSink(partial, context)
  try {
    await context.effects.run('make unpack folder', () => makePrivate(partial))
    const opened = await openKleidia({ ...request, folder: partial }, () => sink.begin(), context)
    const files = await context.effects.run('finish unpacked files', () => sink.finish(opened.contents))
    await syncFolder(partial)
    // Only now: whoever finds the folder under its name finds it whole.
    await context.effects.run('publish unpack folder', () => publish(partial, target))
    return { ...opened, folder: target, ...movedTo(files, target) }
  } catch (error) {
    await sink.close()
    await context.effects.run('discard unpack folder', () => rm(partial, { recursive: true, force: true }))
    throw error
  }
}

async function makePrivate(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  await mkdir(folder, { mode: 0o700 })
}

async function publish(partial: string, target: string): Promise<void> {
  // A rename would silently take the place of an empty folder.
  await refuseExisting(target)
  await renameDurably(partial, target)
}

async function refuseExisting(target: string): Promise<void> {
  if (!(await exists(target))) return
  throw new Failure('refused', `${target} exists already`, {
    hint: 'Nothing is overwritten. Remove it or give another folder.',
  })
}

interface Files {
  readonly sql: WrittenFile | undefined
  readonly secrets: WrittenFile | undefined
}

function movedTo({ sql, secrets }: Files, target: string): Files {
  return {
    sql: sql === undefined ? undefined : { ...sql, path: join(target, SQL_FILE) },
    secrets: secrets === undefined ? undefined : { ...secrets, path: join(target, SECRETS_FILE) },
  }
}

/** Writes what it is given to the files of an unpack folder. */
class FolderSink implements SlowSink {
  readonly #folder: string
  readonly #context: Context
  #sql: TextFile | undefined
  #secrets: TextFile | undefined

  constructor(folder: string, context: Context) {
    this.#folder = folder
    this.#context = context
  }

  async begin(): Promise<SlowSink> {
    await this.#context.effects.run('make unpacked files', async () => {
      this.#sql = await TextFile.create(join(this.#folder, SQL_FILE))
      this.#secrets = await TextFile.create(join(this.#folder, SECRETS_FILE))
    })
    return this
  }

  sql(text: string): void {
    this.#sql?.add(text)
  }

  secret(path: string, json: string): void {
    this.#secrets?.add(secretLine(path, json))
  }

  async flush(): Promise<void> {
    await this.#sql?.flush()
    await this.#secrets?.flush()
  }

  async close(): Promise<void> {
    await this.#sql?.close()
    await this.#secrets?.close()
  }

  async finish({ header = '', hasSql, hasSecrets }: ArchiveParts): Promise<Files> {
    const inner = await TextFile.create(join(this.#folder, HEADER_FILE))
    inner.add(`${header}\n`)
    await inner.finish()
    return { sql: await kept(this.#sql, hasSql), secrets: await kept(this.#secrets, hasSecrets) }
  }
}

/** What the backup does not have leaves no empty file: that would look like an empty database. */
async function kept(file: TextFile | undefined, isPart: boolean): Promise<WrittenFile | undefined> {
  const written = await file?.finish()
  if (written === undefined || isPart) return written
  await rm(written.path)
  return undefined
}
