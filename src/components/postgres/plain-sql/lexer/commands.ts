/** The lines with a backslash that pg_dump and pg_dumpall write; psql has many more, some of which run programs. */
export type Command =
  | { readonly type: 'restrict' | 'unrestrict'; readonly key: string }
  | { readonly type: 'connect'; readonly database: string }
  | { readonly type: 'encoding' }

const CONNECT = /^\\connect (?:-reuse-previous=on )?(?:([a-z_][a-z0-9_.$]*)|"((?:[^"]|"")+)")$/

/** Undefined for every other line. */
export function parseCommand(line: string): Command | undefined {
  const [, type, key] = /^\\(restrict|unrestrict) ([A-Za-z0-9]+)$/.exec(line) ?? []
  if (key !== undefined) return { type: type === 'restrict' ? 'restrict' : 'unrestrict', key }
  // Written before the name of a database that is not plain; statements say their encoding themselves.
  if (line === '\\encoding SQL_ASCII') return { type: 'encoding' }
  const database = connectedTo(line)
  return database === undefined ? undefined : { type: 'connect', database }
}

/** A name that is not plain is given as `dbname='…'`. */
function connectedTo(line: string): string | undefined {
  const [, plain, quoted] = CONNECT.exec(line) ?? []
  if (plain !== undefined) return plain
  const name = quoted?.replaceAll('""', '"')
  if (name === undefined || !line.includes('-reuse-previous')) return name
  const [, value] = /^dbname='((?:[^'\\]|\\.)*)'$/.exec(name) ?? []
  return value?.replace(/\\(.)/g, '$1')
}
