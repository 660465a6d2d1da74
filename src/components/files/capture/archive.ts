import { Readable } from 'node:stream'
import { extract, type Extract, type Header } from 'tar-stream'
import { faultOf } from '../../../core/environment-fault.ts'
import { describe, Failure, toFailure } from '../../../core/failure.ts'
import type { Bytes } from '../../../core/ports.ts'
import type { FileEntry } from './entry.ts'
import { assertRunning } from '../failures.ts'
import { shown, textOf } from '../tree/names.ts'
import { PassingHash } from '../tree/read-file.ts'
import { tarName } from './tar-header.ts'

/** An entry is at most so often in an archive: once for each attempt to read a file that changed. */
const VERSIONS = 3

/** What is done with an entry. All of `content` must be read. `version` counts from 1; a higher one replaces the lower. */
export type PlaceEntry = (entry: FileEntry, content: Bytes, version: number) => Promise<void>

/**
 * Reads an archive next to the list of its entries and gives each entry, as the list has it, with its content from the
 * archive. The list decides what exists: an archive with another entry, order, type, target, size or content, or with
 * one missing, is `corrupt`. So no name, mode or owner is ever taken from the archive, and nothing that the list cannot
 * say (devices, paths out of the folder, links through folders) can be in it.
 */
export async function readArchive(
  content: Bytes,
  entries: AsyncIterator<FileEntry>,
  place: PlaceEntry,
  signal: AbortSignal,
): Promise<void> {
  const pairing = new Pairing(entries)
  for await (const { header, content: body } of sourcesOf(content)) {
    assertRunning(signal)
    const { entry, version } = await pairing.next(header)
    const hash = new PassingHash()
    await place(entry, hash.through(body), version)
    pairing.finished(entry.type !== 'file' || hash.digest() === entry.sha256)
  }
  await pairing.end()
}

interface Source {
  readonly header: Header
  readonly content: Bytes
}

async function* sourcesOf(content: Bytes): AsyncGenerator<Source> {
  const input = Readable.from(content, { objectMode: false })
  const archive: Extract = extract()
  let failure: unknown
  // The producer's own error says more than that the archive ended early.
  const explained = (error: unknown): unknown => failure ?? damaged(error)
  input.once('error', (error) => {
    failure = error
    archive.destroy(error)
  })
  input.pipe(archive)
  try {
    for await (const source of archive) {
      // A streamx Readable is an async iterable of buffers; only its types do not say so.
      yield { header: source.header, content: explaining(source as unknown as Bytes, explained) }
    }
  } catch (error) {
    throw explained(error)
  } finally {
    input.destroy()
    archive.destroy()
  }
}

async function* explaining(content: Bytes, explained: (error: unknown) => unknown): Bytes {
  try {
    yield* content
  } catch (error) {
    throw explained(error)
  }
}

function damaged(error: unknown): Failure {
  if (error instanceof Failure || faultOf(error) !== undefined) return toFailure(error)
  return new Failure('corrupt', `the archive ends early or is damaged: ${describe(error)}`, { cause: error })
}

/** Walks the list in step with the archive. */
class Pairing {
  readonly #entries: AsyncIterator<FileEntry>
  #current: FileEntry | undefined
  #version = 0
  #matched = true

  constructor(entries: AsyncIterator<FileEntry>) {
    this.#entries = entries
  }

  async next(header: Header): Promise<{ entry: FileEntry; version: number }> {
    const version = versionOf(header)
    if (version === 1) await this.#advance(header)
    else if (version !== this.#version + 1 || version > VERSIONS) throw unexpected(header)
    this.#version = version
    const entry = this.#current
    if (entry === undefined || !isSame(header, entry)) throw unexpected(header)
    return { entry, version }
  }

  async #advance(header: Header): Promise<void> {
    this.#assertMatched()
    const { value, done } = await this.#entries.next()
    if (done === true) throw unexpected(header)
    this.#current = value
  }

  finished(matched: boolean): void {
    this.#matched = matched
  }

  async end(): Promise<void> {
    this.#assertMatched()
    const { value, done } = await this.#entries.next()
    if (done !== true) throw new Failure('corrupt', `the archive ends before ${shown(value.path)}`)
  }

  #assertMatched(): void {
    if (this.#matched || this.#current === undefined) return
    throw new Failure('corrupt', `the content of ${shown(this.#current.path)} in the archive is not what was captured`)
  }
}

/** Names that are not UTF-8 are compared as the library gives them, with U+FFFD; the list has them exactly. */
function isSame(header: Header, entry: FileEntry): boolean {
  if (header.type !== entry.type || header.name !== textOf(tarName(entry))) return false
  if (entry.type !== 'file' && header.size !== 0) return false
  return !('target' in entry) || header.linkname === textOf(entry.target)
}

function versionOf({ pax }: Header): number {
  const comment = typeof pax === 'object' && pax !== null && 'comment' in pax ? String(pax.comment) : ''
  const digits = /^version (\d)$/.exec(comment)?.[1]
  return digits === undefined ? 1 : Number(digits)
}

function unexpected({ name, type }: Header): Failure {
  return new Failure(
    'corrupt',
    `the archive has an entry that is not in its list: ${type} ${JSON.stringify(name.slice(0, 200))}`,
  )
}
