import { resolve } from 'node:path'
import type { Config } from '../../config/load-config.ts'
import { neededBeside, type Needed } from '../../config/carried/needed-beside.ts'
import type { Finding } from '../../core/restore-point.ts'
import { environmentVariable } from '../../system/environment.ts'
import { exists } from '../../system/files/errno.ts'

/** What a configuration refers to and this host does not have: variables, and files. Each is named once. */
export async function missingBeside({ repositories, apps }: Config): Promise<readonly Finding[]> {
  const needed = neededBeside({ repositories, apps })
  const missing: Needed[] = []
  for (const one of needed) if (!(await isThere(one))) missing.push(one)
  const names = new Set(
    missing.map(({ kind, what }) => `${kind === 'variable' ? 'environment variable' : 'file'} ${what}`),
  )
  return [...names].map((subject) => ({
    level: 'warning',
    subject,
    message: `is not on this host; ${usersOf(subject, missing)}`,
  }))
}

function usersOf(subject: string, missing: readonly Needed[]): string {
  const users = missing.filter(({ what }) => subject.endsWith(` ${what}`)).map(({ from }) => from)
  return `${users.join(', ')} ${users.length === 1 ? 'needs' : 'need'} it`
}

async function isThere({ kind, what }: Needed): Promise<boolean> {
  return kind === 'variable' ? environmentVariable(what) !== undefined : await exists(resolve(what))
}
