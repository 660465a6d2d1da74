import { readdir } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

/** The absolute folders of our PATH, in order. */
export function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
}

/**
 * The folders that a pattern such as `/usr/pgsql-*` names. At most one segment may hold one `*`, for any text;
 * what does not exist or cannot be read gives none.
 */
export async function matchingFolders(pattern: string): Promise<string[]> {
  const segments = pattern.split('/')
  const at = segments.findIndex((segment) => segment.includes('*'))
  if (at < 0) return [pattern]
  const [before = '', after = ''] = (segments[at] ?? '').split('*')
  const parent = segments.slice(0, at).join('/')
  const names = await readdir(parent).catch(() => [])
  const matching = names.filter((name) => name.startsWith(before) && name.endsWith(after)).sort()
  return matching.map((name) => join(parent, name, ...segments.slice(at + 1)))
}
