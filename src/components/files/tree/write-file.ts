import { constants } from 'node:fs'
import { lchown, lutimes, open, type FileHandle } from 'node:fs/promises'
import type { Bytes } from '../../../core/ports.ts'
import type { FileEntry } from '../capture/entry.ts'

/** A run of zeros of this length, at a multiple of it, becomes a hole and takes no space. */
const HOLE = 64 * 1024
const ZEROS = Buffer.alloc(HOLE)
// Exclusive, so that nothing that is there already, link or file, is ever written to.
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** Creates a file that only we can read yet, and writes its content. The caller closes it. */
export async function writeNewFile(path: Buffer, content: Bytes): Promise<FileHandle> {
  const handle = await open(path, CREATE, 0o600)
  try {
    await writeSparse(handle, content)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Blocks of zeros are stepped over; the length is set at the end, as the last may be one of them. */
async function writeSparse(handle: FileHandle, content: Bytes): Promise<void> {
  let written = 0
  let position = 0
  for await (const block of blocksOf(content)) {
    if (!isHole(block)) {
      await writeAll(handle, block, position)
      written = position + block.length
    }
    position += block.length
  }
  if (written !== position) await handle.truncate(position)
}

async function writeAll(handle: FileHandle, block: Buffer, position: number): Promise<void> {
  for (let done = 0; done < block.length;) {
    done += (await handle.write(block, done, block.length - done, position + done)).bytesWritten
  }
}

function isHole(block: Buffer): boolean {
  return block.length === HOLE && block.equals(ZEROS)
}

/** Pieces that end at multiples of HOLE, except the last, whatever the size of the chunks. */
async function* blocksOf(content: Bytes): AsyncGenerator<Buffer> {
  const block = Buffer.alloc(HOLE)
  let filled = 0
  for await (const chunk of content) {
    for (let begin = 0; begin < chunk.length;) {
      const piece = chunk.subarray(begin, begin + HOLE - filled)
      block.set(piece, filled)
      filled += piece.length
      begin += piece.length
      if (filled === HOLE) {
        yield block
        filled = 0
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}

/** What of an entry's owner and mode this process can give. */
export interface Rights {
  /** Only root may give files away; without it, set-user-ID and set-group-ID bits would mean another owner. */
  readonly owners: boolean
}

export function modeOf({ mode }: FileEntry, { owners }: Rights): number {
  return owners ? mode : mode & 0o1777
}

/** Owner before mode, as a change of owner clears set-user-ID bits; time last, as everything else changes it. */
export async function setMetadata(handle: FileHandle, entry: FileEntry, rights: Rights): Promise<void> {
  if (rights.owners) await handle.chown(entry.uid, entry.gid)
  await handle.chmod(modeOf(entry, rights))
  await handle.utimes(timeOf(entry), timeOf(entry))
}

/** A symbolic link has no mode of its own on Linux. */
export async function setLinkMetadata(path: Buffer, entry: FileEntry, rights: Rights): Promise<void> {
  if (rights.owners) await lchown(path, entry.uid, entry.gid)
  await lutimes(path, timeOf(entry), timeOf(entry))
}

function timeOf({ mtime }: FileEntry): string {
  return timeText(mtime)
}

/** Text, because Node takes a negative number for "now". It keeps a time to about a quarter of a microsecond. */
export function timeText(nanoseconds: bigint): string {
  return (Number(nanoseconds) / 1e9).toString()
}
