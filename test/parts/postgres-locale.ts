import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { findServerBinaries } from '../../src/components/postgres/tools/tools.ts'
import { makeTemporaryFolder } from '../../src/system/files/temporary-folder.ts'
import { startPrivate, testContext } from './postgres.ts'
import type { TestPostgres } from './postgres.ts'

const LOCALE = 'de_DE.UTF-8'
const SOURCE = '/usr/share/i18n/locales/de_DE'
const execute = promisify(execFile)

/**
 * A server with a locale that writes money in another way, made for it alone; undefined where the machine has no sources
 * of locales (Debian's package locales).
 */
export async function startGerman(): Promise<TestPostgres | undefined> {
  if (!existsSync(SOURCE)) return undefined
  const { folder } = await findServerBinaries(testContext())
  const place = await makeTemporaryFolder()
  const [programs, locales] = [join(place, 'bin'), join(place, 'locales')]
  for (const one of [programs, locales]) await mkdir(one)
  // It warns of what the C library has by itself, and then ends with 1.
  await execute('localedef', ['-c', '-i', 'de_DE', '-f', 'UTF-8', join(locales, LOCALE)]).catch(() => {})
  for (const name of await readdir(folder))
    if (name !== 'postgres') await symlink(join(folder, name), join(programs, name))
  const script = `#!/bin/sh\nLOCPATH=${locales} exec ${join(folder, 'postgres')} "$@"\n`
  await writeFile(join(programs, 'postgres'), script)
  await execute('chmod', ['-R', 'a+rX', place])
  await chmod(join(programs, 'postgres'), 0o755)
  process.env['PATH'] = [programs, process.env['PATH'] ?? ''].join(delimiter)
  return startPrivate()
}
