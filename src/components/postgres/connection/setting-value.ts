import { literal } from './connection.ts'

/** Settings whose stored value is a list of quoted names; PostgreSQL marks them GUC_LIST_QUOTE and shows that nowhere. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

/** A stored value as SET wants it. A list given as one literal would become one name with commas in it. */
export function settingValue(name: string, value: string): string {
  if (!LISTS.has(name.toLowerCase())) return literal(value)
  const names = [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)].filter((match) => match[0] !== '')
  const items = names.map((match) => literal(match[1]?.replaceAll('""', '"') ?? (match[2] ?? '').trim()))
  return items.length === 0 ? `''` : items.join(', ')
}
