import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const PACKAGE = 'libfaketime'
const LIBRARY = 'usr/lib/*/faketime/libfaketime.so.1'
const cache = join(process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts'), PACKAGE)

/**
 * The environment in which a program lives at another time, for example `+365d`. Debian's library is unpacked into the cache, which
 * needs no root. Only wall clocks are moved: durations stay what they are, as when somebody sets a clock.
 */
export async function atTime(shift: string): Promise<Readonly<Record<string, string>>> {
  return { LD_PRELOAD: await findLibrary(), FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

/** The environment of a program whose wall clock jumps when `file` gets another shift; at the start it is right. */
export async function jumpingClock(file: string): Promise<{
  readonly environment: Readonly<Record<string, string>>
  jump(shift: string): Promise<void>
}> {
  const jump = async (shift: string): Promise<void> => {
    // Renamed, so that the program never reads half of it.
    await writeFile(`${file}.new`, `${shift}\n`)
    await rename(`${file}.new`, file)
  }
  await jump('+0')
  const environment = {
    LD_PRELOAD: await findLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { environment, jump }
}

async function findLibrary(): Promise<string> {
  const [found] = [...globSync(`/${LIBRARY}`), ...globSync(join(cache, LIBRARY))]
  if (found !== undefined) return found
  await install()
  const [installed] = globSync(join(cache, LIBRARY))
  if (installed === undefined) throw new Error(`${PACKAGE} has no ${LIBRARY}`)
  return installed
}

async function install(): Promise<void> {
  await mkdir(dirname(cache), { recursive: true })
  const folder = await mkdtemp(`${cache}.tmp-`)
  try {
    await execute('apt-get', ['download', PACKAGE], { cwd: folder, timeout: 120_000 })
    const [archive = ''] = globSync(join(folder, '*.deb'))
    const unpacked = join(folder, 'unpacked')
    await execute('dpkg-deb', ['-x', archive, unpacked])
    if (!existsSync(cache)) await rename(unpacked, cache)
  } catch (cause) {
    throw new Error(`the tests of wrong clocks need ${PACKAGE}: apt-get install ${PACKAGE}`, { cause })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
