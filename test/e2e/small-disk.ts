import { execFile } from 'node:child_process'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A file system of a few MB in memory. */
export interface SmallDisk {
  readonly path: string
  /** Leaves this many bytes free. */
  fill(left: number): Promise<void>
  /** Takes back what fill took. */
  free(): Promise<void>
  remount(mode: 'ro' | 'rw'): Promise<void>
}

/** Why tests of full disks cannot run here; undefined when they can. Shown beside each test that is left out. */
export const noSmallDisks = await whyNot()

async function whyNot(): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-disk-'))
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', 'size=65536', 'holdfast-test', path])
    await execute('umount', [path])
    return undefined
  } catch {
    return 'no tmpfs can be mounted here: it takes root on Linux, in a container with the capability SYS_ADMIN'
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

/** Mounts one; needs root on Linux, and says so. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-disk-'))
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'holdfast-test', path])
  } catch (cause) {
    throw new Error(
      'a test of full disks could not mount a tmpfs: run the tests as root on Linux (in a container: with the capability SYS_ADMIN)',
      { cause },
    )
  }
  after(async () => {
    await execute('umount', ['--lazy', path])
    await rm(path, { recursive: true })
  })
  const filler = join(path, 'filler')
  return {
    path,
    fill: async (left) => {
      const { bavail, bsize } = await statfs(path)
      await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - left)))
    },
    free: () => rm(filler, { force: true }),
    remount: async (mode) => void (await execute('mount', ['-o', `remount,${mode}`, path])),
  }
}
