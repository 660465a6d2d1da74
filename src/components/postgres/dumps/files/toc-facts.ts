import type { ArchiveToc, TocEntry } from './archive-toc.ts'

/** The COPY statements of all rows of an archive, sorted. */
export function copiesOf({ entries }: ArchiveToc): readonly string[] {
  return entries.flatMap(({ hasData, copy }) => (hasData && copy !== '' ? [copy] : [])).toSorted()
}

/** The numbers of the large objects that an archive makes: one in each entry before 17, lists of them since. */
export function largeObjectsOf({ entries }: ArchiveToc): readonly string[] {
  return entries.flatMap(numbersOf)
}

function numbersOf({ description, name, definition }: TocEntry): string[] {
  if (description === 'BLOB') return [name]
  return description === 'BLOB METADATA' ? (definition.match(/\d+/g) ?? []) : []
}

/** Tables whose rows fit another table as well, as far as their number of columns says. */
export function alikeOf({ entries }: ArchiveToc): readonly string[] {
  const withRows = entries.filter(({ description, hasData }) => hasData && description === 'TABLE DATA')
  const groups = Map.groupBy(withRows, ({ copy }) => columnsOf(copy))
  return [...groups.values()].filter(({ length }) => length > 1).flatMap((group) => group.map(nameOf))
}

export function nameOf({ schema, name }: TocEntry): string {
  return Buffer.from(schema === '' ? name : `${schema}.${name}`, 'latin1').toString('utf8')
}

/** How many columns a COPY statement lists; names may hold commas. */
function columnsOf(copy: string): number {
  const [, list] = /\((.*)\) FROM stdin;$/s.exec(copy.replaceAll(/"(?:[^"]|"")*"/g, '"')) ?? []
  return list === undefined ? 0 : list.split(',').length
}
