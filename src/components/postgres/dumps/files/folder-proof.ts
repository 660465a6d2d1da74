import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../../../core/failure.ts'
import type { Bytes, Context } from '../../../../core/ports.ts'
import type { ArchiveProof } from './archive-proof.ts'
import { readToc } from './archive-toc.ts'
import type { ArchiveToc, TocEntry } from './archive-toc.ts'
import { compressionOf } from './compression.ts'
import type { Compression } from './compression.ts'
import { contentOf } from './dump-file.ts'
import type { DumpFile } from './dump-file.ts'
import { assertRowsEnd } from './rows-end.ts'
import { alikeOf, copiesOf, largeObjectsOf, nameOf } from './toc-facts.ts'

const TOC = 'toc.dat'
/** pg_restore looks for the plain name first, and then for these. */
const ENDINGS: readonly (readonly [string, Compression])[] = [
  ['', 'none'],
  ['.gz', 'gzip'],
  ['.lz4', 'lz4'],
  ['.zst', 'zstd'],
]
const OURS = /^(?:(?:\d+|blob_\d+)\.dat(?:\.gz|\.lz4|\.zst)?|blobs(?:_\d+)?\.toc)$/
const LARGE_OBJECT = /^(\d+) (blob_\d+\.dat)$/
const LISTED = 100

/** Reads every file of a folder of pg_dump to its end, and holds them against the table of contents, one for one. */
export async function proveFolder(folder: DumpFile, trusted: boolean, context: Context): Promise<ArchiveProof> {
  return new Folder(folder, new Set(await readdir(folder.path)), trusted, context).prove()
}

class Folder {
  readonly #folder: DumpFile
  readonly #left: Set<string>
  readonly #names: ReadonlySet<string>
  readonly #trusted: boolean
  readonly #context: Context
  /** Large objects without compression, whose length nothing says. */
  readonly #unmeasured: string[] = []
  readonly #found: string[] = []
  #hasLists = false

  constructor(folder: DumpFile, names: ReadonlySet<string>, trusted: boolean, context: Context) {
    this.#folder = folder
    this.#names = names
    this.#left = new Set(names)
    this.#trusted = trusted
    this.#context = { ...context, progress: () => {} }
  }

  async prove(): Promise<ArchiveProof> {
    if (!this.#left.delete(TOC)) throw this.#damaged(`it has no ${TOC}`)
    const toc = await readToc(join(this.#folder.path, TOC), await this.#content(TOC, 'none'), true)
    for (const entry of toc.entries) if (entry.hasData) await this.#proveEntry(entry)
    const largeObjects = largeObjectsOf(toc)
    this.#assertLargeObjects(largeObjects)
    const stray = [...this.#left].filter((name) => OURS.test(name)).sort()
    if (stray.length > 0) throw this.#damaged(`nothing in ${TOC} knows of its file ${stray.join(', ')}`)
    return { copies: copiesOf(toc), largeObjects, unproven: [...this.#unprovenOf(toc)] }
  }

  async #proveEntry(entry: TocEntry): Promise<void> {
    if (entry.file === '') throw this.#damaged(`${TOC} names no file of ${entry.description} ${nameOf(entry)}`)
    if (entry.description === 'BLOBS') return this.#proveLargeObjects(entry.file)
    const { name, compression } = this.#theFile(entry.file, `${entry.description} ${nameOf(entry)}`)
    const content = await this.#content(name, compression)
    if (entry.description !== 'TABLE DATA') return drain(content)
    await assertRowsEnd(content, entry.copy !== '', (what) => this.#damaged(`${name}, ${nameOf(entry)}: ${what}`))
  }

  async #proveLargeObjects(list: string): Promise<void> {
    this.#hasLists = true
    if (!this.#left.delete(list)) throw this.#damaged(`it has no file ${list}`)
    const chunks: Uint8Array[] = []
    for await (const chunk of await this.#content(list, 'none')) chunks.push(chunk)
    const lines = Buffer.concat(chunks).toString('latin1').split('\n')
    if (lines.pop() !== '') throw this.#damaged(`${list} ends within a line`)
    for (const line of lines) {
      const [, number, file] = LARGE_OBJECT.exec(line) ?? []
      if (number === undefined || file === undefined)
        throw this.#damaged(`${list} has a line that names no large object`)
      await this.#proveLargeObject(number, file)
    }
  }

  async #proveLargeObject(number: string, file: string): Promise<void> {
    const { name, compression } = this.#theFile(file, `large object ${number}`)
    // pg_dump compresses an empty one with LZ4 and zstd to nothing at all.
    const isNothing =
      compression !== 'none' && compression !== 'gzip' && (await stat(join(this.#folder.path, name))).size === 0
    if (!isNothing) await drain(await this.#content(name, compression))
    this.#found.push(number)
    if (compression === 'none' || isNothing) this.#unmeasured.push(number)
  }

  #assertLargeObjects(expected: readonly string[]): void {
    const found = new Set(this.#found)
    const missing = expected.filter((number) => !found.delete(number))
    // A dump of definitions has none of them, which is found when it is loaded.
    if (missing.length > 0 && this.#hasLists)
      throw this.#damaged(`it has no content of large object ${missing.join(', ')}`)
    if (found.size > 0) throw this.#damaged(`${TOC} does not know of large object ${[...found].join(', ')}`)
  }

  /** The one file of that name, whatever it is compressed with. */
  #theFile(name: string, what: string): { readonly name: string; readonly compression: Compression } {
    const [found, ...more] = ENDINGS.filter(([ending]) => this.#names.has(name + ending))
    if (found === undefined) throw this.#damaged(`it has no file ${name} of ${what}`)
    if (more.length > 0) throw this.#damaged(`it has several files ${name} of ${what}`)
    if (!this.#left.delete(name + found[0])) throw this.#damaged(`its file ${name} is named twice`)
    return { name: name + found[0], compression: found[1] }
  }

  async #content(name: string, compression: Compression): Promise<Bytes> {
    const path = join(this.#folder.path, name)
    if (compression !== 'none' && (await compressionOf(path)) !== compression)
      throw this.#damaged(`its file ${name} is empty or not compressed with ${compression}`)
    const { size } = await stat(path)
    return contentOf({ path, name, bytes: size, compression, single: true }, this.#trusted, this.#context)
  }

  *#unprovenOf(toc: ArchiveToc): Generator<string> {
    const alike = alikeOf(toc)
    const why = 'a dump in directory format ties files to what they are of by their names only'
    if (alike.length > 0)
      yield `proof that files which fit several tables were not exchanged, since ${why}: ${listOf(alike, 'tables')}`
    if (this.#found.length > 1)
      yield `proof that files of large objects were not exchanged, since ${why}: ${listOf(this.#found, 'large objects')}`
    if (this.#unmeasured.length > 0)
      yield `proof of the length of large objects, which nothing in an uncompressed or empty file tells: ${listOf(this.#unmeasured, 'large objects')}`
  }

  #damaged(what: string): Failure {
    return new Failure('corrupt', `${this.#folder.path} is cut off, damaged or incomplete: ${what}`, {
      hint: 'Use another copy of the dump, or make it again. pg_restore would not tell.',
    })
  }
}

function listOf(names: readonly string[], what: string): string {
  return names.length > LISTED ? `all ${names.length} ${what}` : names.join(', ')
}

async function drain(content: Bytes): Promise<void> {
  for await (const chunk of content) void chunk
}
