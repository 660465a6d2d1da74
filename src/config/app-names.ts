import { z } from 'zod'
import { findConfig } from './find-config.ts'
import { readConfigFile } from './read-config-file.ts'
import { parseYamlFile } from './yaml-file.ts'

const namedApps = z.object({ apps: z.record(z.string().regex(/^[\w.-]+$/), z.unknown()) })

/**
 * The names of the apps of a configuration that nobody has checked, for the completion of a command line. None where it
 * cannot be read: a Tab is no place for a failure.
 */
export async function appNames(given: string | undefined): Promise<readonly string[]> {
  try {
    const path = await findConfig(given, { variables: {}, userId: undefined })
    const file = parseYamlFile((await readConfigFile(path)).text)
    return 'problems' in file ? [] : Object.keys(namedApps.parse(file.value).apps)
  } catch {
    return []
  }
}
