import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** Short, as paths of sockets below it have a limit. */
const NAME = /^hf-(\d+)-/
const TMPFS = 0x01021994
const GIGABYTE = 1024 ** 3
/** Three test files at a time fill less than 3 GB. The rest of the machine keeps as much again, and more. */
const ROOM = { folder: 6 * GIGABYTE, machine: 10 * GIGABYTE }

/**
 * A folder in memory for what tests throw away; undefined where there is not enough memory. Each of about a thousand
 * servers of a run makes and removes a thousand files, which takes the disk ten times as long. Folders of runs that were
 * killed are removed. Files of tests that want a disk import `test/parts/on-disk.ts`.
 */
export function makeMemoryFolder(): string | undefined {
  if (!existsSync(MEMORY)) return undefined
  removeAbandoned()
  const { type, bavail, bsize } = statfsSync(MEMORY)
  const hasRoom = bavail * bsize > ROOM.folder && freemem() > ROOM.machine
  if (type !== TMPFS || !hasRoom || !runsPrograms()) return undefined
  const folder = mkdtempSync(join(MEMORY, `hf-${process.pid}-`))
  // As /tmp: servers run as another user.
  chmodSync(folder, 0o1777)
  return folder
}

function removeAbandoned(): void {
  for (const name of readdirSync(MEMORY)) {
    const owner = Number(NAME.exec(name)?.[1] ?? 0)
    if (owner > 0 && !existsSync(`/proc/${owner}`)) rmSync(join(MEMORY, name), { recursive: true, force: true })
  }
}

/** Containers often mount it such that no program in it may run. */
function runsPrograms(): boolean {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  return !mounts.some((line) => line.split(' ')[1] === MEMORY && line.includes('noexec'))
}
