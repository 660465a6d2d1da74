import { open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from '../../../core/ports.ts'
import { exists } from '../../../system/files/errno.ts'
import { openSpooled, type OpenSpooled, type Opened } from './open.ts'
import type { SlowSink } from './read-archive.ts'
import { readSecretLines, secretLine, type KeptSecret } from '../format/secret-lines.ts'
import { TextFile, type WrittenFile } from '../format/text-file.ts'

/** What is in a backup, authenticated and read to its end, for this process alone. */
export interface Staged extends Opened {
  /** Absent when the backup has none. Its path is good until `close`. */
  readonly sql: WrittenFile | undefined
  /** All secrets, anew with each call. */
  readonly secrets: (() => AsyncIterable<KeptSecret>) | undefined
  close(): Promise<void>
}

/** Reads a spooled backup into private files of `folder` that have no names: the kernel removes them with this process. */
export async function stageKleidia(request: OpenSpooled, folder: string, context: Context): Promise<Staged> {
  const [sql, secrets] = await context.effects.run('make staging files', () =>
    Promise.all([StagingFile.create(join(folder, 'database.sql')), StagingFile.create(join(folder, 'secrets.jsonl'))]),
  )
  const close = async (): Promise<void> => void (await Promise.all([sql.close(), secrets.close()]))
  try {
    const opened = await openSpooled(request, () => Promise.resolve(sinkInto(sql, secrets)), context)
    const [sqlFile, secretsFile] = await context.effects.run('finish staging files', () =>
      Promise.all([sql.finish(), secrets.finish()]),
    )
    const { hasSql, hasSecrets } = opened.contents
    return {
      ...opened,
      sql: hasSql ? sqlFile : undefined,
      secrets: hasSecrets ? () => readSecretLines(secretsFile.path, context.signal) : undefined,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function sinkInto(sql: StagingFile, secrets: StagingFile): SlowSink {
  return {
    sql: (text) => sql.text.add(text),
    secret: (path, json) => secrets.text.add(secretLine(path, json)),
    async flush() {
      await sql.text.flush()
      await secrets.text.flush()
    },
  }
}

/** A text file that is read under the path of an open handle, where there is /proc, and else under its name. */
class StagingFile {
  readonly text: TextFile
  readonly #handle: FileHandle
  readonly #path: string

  private constructor(text: TextFile, handle: FileHandle, path: string) {
    this.text = text
    this.#handle = handle
    this.#path = path
  }

  static async create(named: string): Promise<StagingFile> {
    const text = await TextFile.create(named)
    const handle = await open(named, 'r')
    const path = `/proc/${process.pid}/fd/${handle.fd}`
    const hasPath = await exists(path)
    if (hasPath) await unlink(named)
    return new StagingFile(text, handle, hasPath ? path : named)
  }

  async finish(): Promise<WrittenFile> {
    return { ...(await this.text.finish()), path: this.#path }
  }

  async close(): Promise<void> {
    await this.text.close()
    await this.#handle.close()
  }
}
