import { z } from 'zod'
import { parseDatabaseUrl } from '../core/texts/database-url.ts'
import { describe, Failure } from '../core/failure.ts'
import { readVariable } from '../system/environment-file.ts'
import type { Path, Problem } from './mistakes/problems.ts'

const urlPlace = z.object({ file: z.string(), name: z.string() })
const withUrl = z.looseObject({ kind: z.literal('postgres'), from: urlPlace })

/** Whether a configuration is judged to be used now, or for a host to which the files it names are still to be brought. */
export interface Beside {
  readonly filesMayBeMissing?: boolean
}

export interface Expanded {
  readonly value: unknown
  readonly problems: readonly Problem[]
}

/**
 * Puts what the URL of `from: { file, name }` says into each database that has one; what is written beside it counts
 * more. The password stays a reference, and is read when it is needed.
 */
export function withDatabaseUrls(value: unknown, beside: Beside = {}): Expanded {
  const problems: Problem[] = []
  const expanded = within(value, 'apps', (apps) =>
    mapped(apps, (app, name) =>
      within(app, 'components', (components) =>
        mapped(components, (one, key) => expand(one, ['apps', name, 'components', key], beside, problems)),
      ),
    ),
  )
  return { value: expanded, problems }
}

function within(value: unknown, key: string, act: (member: unknown) => unknown): unknown {
  return mapped(value, (member, name) => (name === key ? act(member) : member))
}

/** What is no map stays, for others to find; so does a member that is called `__proto__`. */
function mapped(value: unknown, act: (member: unknown, name: string) => unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, act(member, name)]))
}

function expand(given: unknown, path: Path, { filesMayBeMissing = false }: Beside, problems: Problem[]): unknown {
  const parsed = withUrl.safeParse(given)
  if (!parsed.success) return given
  const { from, ...settings } = parsed.data
  try {
    return { ...partsOf(from), from, ...settings }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (!filesMayBeMissing || error.kind !== 'notFound')
      problems.push({ path: [...path, 'from'], at: 'value', message: told(error, from) })
    // So that only this is told, and not that what it would give is missing.
    return { user: 'unknown', database: 'unknown', from, ...settings }
  }
}

/** A file that went away with its host is not brought back by a correction of the configuration. */
function told(error: Failure, { name }: z.infer<typeof urlPlace>): string {
  const next = `put a file with the line ${name}=postgres://… there, or write host, user, password and database in place of from`
  return error.kind === 'notFound' ? `${describe(error)}; ${next}` : describe(error)
}

function partsOf({ file, name }: z.infer<typeof urlPlace>): Readonly<Record<string, unknown>> {
  const url = parseDatabaseUrl(readVariable(file, name))
  if (url === undefined)
    throw new Failure('usage', `${name} of ${file} is no URL such as postgres://user:password@host:5432/database`)
  const { password, ...parts } = url
  return { ...parts, ...(password === undefined ? {} : { password: `envfile:${file}#${name}` }) }
}
