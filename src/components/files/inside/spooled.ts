import { open, type FileHandle } from 'node:fs/promises'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { makeNamelessFile } from '../../../system/files/anonymous-file.ts'
import { assertRunning } from '../failures.ts'
import type { Facts } from '../tree/describe.ts'
import { isSafeRelative, ROOT, shown, textOf, type RawPath } from '../tree/names.ts'
import { readTar, type TarMember } from './read-tar.ts'
import { tarOutput, type TarEnd, type TarRequest } from './tar-output.ts'

/** What is remembered of each is held in memory. */
const MOST_ENTRIES = 250_000
/** Names that are asked for a second time, on one command line. */
const MOST_AGAIN = 1000
const CHUNK = 1024 * 1024

/** One thing of a folder, in the order of tar. */
export type SpooledEntry = Facts &
  (
    | { readonly type: 'directory' }
    /** `from` is its place in the spool; undefined where its content was not wanted. */
    | { readonly type: 'file'; readonly size: number; readonly from: number | undefined }
    | { readonly type: 'symlink' | 'link'; readonly target: RawPath }
    | { readonly type: 'special'; readonly kind: string }
  )

export interface Spooled {
  readonly entries: ReadonlyMap<RawPath, SpooledEntry>
  readonly end: TarEnd
  read(from: number, size: number): Bytes
  close(): Promise<void>
}

/**
 * Reads the archive of a folder inside to its end, into a private file that goes with this process: tar has no order, and which
 * name of a file comes first is only known at the end. `wants` says whose content is kept.
 */
export async function spool(
  request: TarRequest,
  wants: (path: RawPath) => boolean,
  context: Context,
): Promise<Spooled> {
  const collecting = new Collecting(request, context)
  const file = await makeNamelessFile(collecting.contents(wants))
  try {
    const handle = await open(file.path, 'r')
    return {
      entries: collecting.entries,
      end: collecting.end(),
      read: (from, size) => readFrom(handle, from, size),
      async close() {
        await handle.close()
        await file.close()
      },
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

class Collecting {
  readonly entries = new Map<RawPath, SpooledEntry>()
  readonly #ends: TarEnd[] = []
  readonly #request: TarRequest
  readonly #context: Context
  #length = 0

  constructor(request: TarRequest, context: Context) {
    this.#request = request
    this.#context = context
  }

  async *contents(wants: (path: RawPath) => boolean): Bytes {
    yield* this.#archive([], wants)
    const again = this.#unread(wants)
    if (again.length > MOST_AGAIN) throw tooManyLinks(again.length)
    if (again.length > 0) yield* this.#archive(again, () => true)
  }

  end(): TarEnd {
    const code = Math.max(...this.#ends.map((end) => end.code))
    return { code, said: this.#ends.flatMap(({ said }) => said) }
  }

  /** Wanted names of files whose content came under a name that is not. */
  #unread(wants: (path: RawPath) => boolean): RawPath[] {
    const links = [...this.entries.values()].filter(({ type, path }) => type === 'link' && wants(path))
    return links.flatMap((link) => {
      const first = link.type === 'link' ? this.entries.get(link.target) : undefined
      return first?.type === 'file' && first.from === undefined ? [link.path] : []
    })
  }

  async *#archive(names: readonly RawPath[], wants: (path: RawPath) => boolean): Bytes {
    const output = tarOutput(this.#request, names, (end) => this.#ends.push(end), this.#context)
    for await (const { member, content } of readTar(output)) {
      assertRunning(this.#context.signal)
      const path = pathOf(member.name)
      const isWanted = member.type === '0' && wants(path)
      this.#add(entryOf(path, member, isWanted ? this.#length : undefined))
      for await (const chunk of content) {
        if (!isWanted) continue
        this.#length += chunk.length
        yield chunk
      }
    }
  }

  #add(entry: SpooledEntry): void {
    this.entries.set(entry.path, entry)
    if (this.entries.size <= MOST_ENTRIES) return
    throw new Failure(
      'unsupported',
      `folder ${this.#request.path} in ${this.#request.shell.name} has more than ${MOST_ENTRIES} entries`,
      {
        hint: 'So many are only captured where the volume is mounted on this host: give its path there, without reach.',
      },
    )
  }
}

/** Its path without the `./` that tar puts before it. */
function pathOf(name: RawPath): RawPath {
  const plain = name.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
  if (plain === '' || plain === '.') return ROOT
  if (isSafeRelative(plain)) return plain
  throw new Failure('unsupported', `the tar of the container gave a name that leaves the folder: ${shown(name)}`)
}

const SPECIAL: Readonly<Record<string, string>> = { '3': 'device', '4': 'device', '6': 'pipe' }

function entryOf(path: RawPath, member: TarMember, from: number | undefined): SpooledEntry {
  const { type, size, link, mode, uid, gid, mtime } = member
  const names = {
    ...(member.user === '' ? {} : { user: textOf(member.user) }),
    ...(member.group === '' ? {} : { group: textOf(member.group) }),
  }
  const facts = { path, mode, uid, gid, ...names, mtime }
  const kind = SPECIAL[type]
  if (kind !== undefined) return { ...facts, type: 'special', kind }
  if (type === '0') return { ...facts, type: 'file', size, from }
  if (type === '5') return { ...facts, type: 'directory' }
  if (type === '2') return { ...facts, type: 'symlink', target: link, mode: 0o777 }
  if (type === '1') return { ...facts, type: 'link', target: pathOf(link) }
  throw new Failure(
    'unsupported',
    `the tar of the container gave an entry of type ${JSON.stringify(type)}: ${shown(path)}`,
  )
}

async function* readFrom(handle: FileHandle, from: number, size: number): Bytes {
  for (let done = 0; done < size;) {
    const length = Math.min(CHUNK, size - done)
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, from + done)
    if (bytesRead === 0) throw new Failure('bug', 'a private file is shorter than what was written to it')
    done += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

function tooManyLinks(count: number): Failure {
  return new Failure(
    'unsupported',
    `${count} hard links are captured whose other names are excluded, and at most ${MOST_AGAIN} can be`,
    {
      hint: 'Exclude all names of a file or none.',
    },
  )
}
