import { z } from 'zod'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { describe, Failure } from '../core/failure.ts'
import { readVariable } from '../system/environment-file.ts'
import type { Path, Problem } from './problems.ts'

const urlPlace = z.object({ file: z.string(), name: z.string() })
const withUrl = z.looseObject({ kind: z.literal('postgres'), from: urlPlace })

export interface Expanded {
  readonly value: unknown
  readonly problems: readonly Problem[]
}

/**
 * Puts what the URL of `from: { file, name }` says into each database that has one; what is written beside it counts
 * more. The password stays a reference, and is read when it is needed.
 */
export function withDatabaseUrls(value: unknown): Expanded {
  const problems: Problem[] = []
  const expanded = within(value, 'apps', (apps) =>
    mapped(apps, (app, name) =>
      within(app, 'components', (components) =>
        mapped(components, (one, key) => expand(one, ['apps', name, 'components', key], problems)),
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

function expand(given: unknown, path: Path, problems: Problem[]): unknown {
  const parsed = withUrl.safeParse(given)
  if (!parsed.success) return given
  const { from, ...settings } = parsed.data
  try {
    return { ...partsOf(from), from, ...settings }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    problems.push({ path: [...path, 'from'], at: 'value', message: describe(error) })
    // So that only this is told, and not that what it would give is missing.
    return { user: 'unknown', database: 'unknown', from, ...settings }
  }
}

function partsOf({ file, name }: z.infer<typeof urlPlace>): Readonly<Record<string, unknown>> {
  const url = parseDatabaseUrl(readVariable(file, name))
  if (url === undefined)
    throw new Failure('usage', `${name} of ${file} is no URL such as postgres://user:password@host:5432/database`)
  const { password, ...parts } = url
  return { ...parts, ...(password === undefined ? {} : { password: `envfile:${file}#${name}` }) }
}
