import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import type { Context } from '../../../core/ports.ts'
import type { Accounts } from '../tree/accounts.ts'
import { factsOf } from '../tree/describe.ts'
import type { RegularEntry } from './entry.ts'
import { isUnchanged, openFound, PassingHash, readExactly, readWhole } from '../tree/read-file.ts'
import { padding, tarHeader } from './tar-header.ts'
import type { Found } from '../tree/walk.ts'

/** A file up to this size is read whole before its header is written, so that a change costs nothing but another look. */
const IN_MEMORY = 1024 * 1024
const ATTEMPTS = 3
const PAUSE = 20

export interface CapturedFile {
  readonly entry: RegularEntry
  /** As it was opened; hard links are recognised by it. */
  readonly stat: BigIntStats
  /** It was written during every attempt: what was captured may be a mix of before and after. */
  readonly changing: boolean
}

/**
 * Gives the archive bytes of one file and returns what was captured; undefined when it was gone before a byte was read.
 * A file that changes while it is read is read again, up to three times in all. A large one is then in the archive
 * again under the same name: the later entry wins, in every tar.
 */
export async function* captureFile(
  found: Found,
  accounts: Accounts,
  context: Context,
): AsyncGenerator<Uint8Array, CapturedFile | undefined> {
  let captured: CapturedFile | undefined
  let version = 1
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await context.clock.sleep(PAUSE, context.signal)
    const opened = await openFound(found)
    if (opened === undefined) return captured
    try {
      const once = { found, accounts, version, last: attempt === ATTEMPTS, ...opened }
      const result = yield* opened.stat.size <= IN_MEMORY ? captureSmall(once) : captureLarge(once)
      if (result !== undefined) version += 1
      captured = result ?? captured
    } finally {
      await opened.handle.close()
    }
    if (captured?.changing === false) return captured
  }
  return captured
}

interface Attempt {
  readonly found: Found
  readonly accounts: Accounts
  readonly handle: FileHandle
  readonly stat: BigIntStats
  readonly version: number
  readonly last: boolean
}

/** Writes nothing and gives undefined when the file changed and there is another attempt. */
async function* captureSmall({
  found,
  accounts,
  handle,
  stat,
  version,
  last,
}: Attempt): AsyncGenerator<Uint8Array, CapturedFile | undefined> {
  const content = await readWhole(handle, Number(stat.size))
  const changing = !isUnchanged(stat, await handle.stat({ bigint: true }))
  if (changing && !last) return undefined
  const sha256 = createHash('sha256').update(content).digest('hex')
  const entry: RegularEntry = { ...factsOf(found.path, stat, accounts), type: 'file', size: content.length, sha256 }
  yield Buffer.concat([tarHeader(entry, content.length, version), content, padding(content.length)])
  return { entry, stat, changing }
}

async function* captureLarge({
  found,
  accounts,
  handle,
  stat,
  version,
}: Attempt): AsyncGenerator<Uint8Array, CapturedFile> {
  const size = Number(stat.size)
  const facts = factsOf(found.path, stat, accounts)
  yield tarHeader({ ...facts, type: 'file', size, sha256: '' }, size, version)
  const hash = new PassingHash()
  yield* hash.through(readExactly(handle, size))
  yield padding(size)
  const changing = !isUnchanged(stat, await handle.stat({ bigint: true }))
  return { entry: { ...facts, type: 'file', size, sha256: hash.digest() }, stat, changing }
}
