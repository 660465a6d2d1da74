import type { Fingerprint } from '../../../schema.ts'

/** One line of a dump's list of contents, as pg_restore prints it and takes it back. */
export interface ContentsLine {
  readonly id: number
  readonly line: string
  /** Kind, schema, name and owner, for example `VIEW public active_users portal`. */
  readonly rest: string
}

const LINE = /^(\d+); \d+ \d+ (.*)$/

/** The lines of a list that stand for something to load, in the order in which it is loaded. */
export function contentsLines(list: string): readonly ContentsLine[] {
  return list.split('\n').flatMap((line) => {
    const [, id, rest] = LINE.exec(line) ?? []
    return id === undefined || rest === undefined ? [] : [{ id: Number(id), line, rest }]
  })
}

export type Depends = NonNullable<Fingerprint['depends']>

/**
 * Which lines make an object that uses an operator of an extension or of the user's. Where its text does not name it, as
 * in `JOIN USING` or `NULLIF`, PostgreSQL looks for one on the search path, which is empty while a dump is loaded. So these
 * are loaded under the path that is given here, by the number of the line. Schemas are quoted in a point.
 */
export function linesWithOperators(lines: readonly ContentsLine[], depends: Depends = []): ReadonlyMap<number, string> {
  const paths = new Map(
    depends
      .filter(({ on }) => on.some(({ kind }) => kind === 'operator'))
      .map(({ name, on }) => [
        name,
        [...new Set(on.map(({ schema }) => schema))].filter((schema) => schema !== '').join(', '),
      ]),
  )
  if (paths.size === 0) return new Map()
  return new Map(
    lines.flatMap(({ id, rest }) => {
      const found = prefixesOf(rest).find((prefix) => paths.has(prefix))
      return found === undefined ? [] : [[id, paths.get(found) ?? ''] as const]
    }),
  )
}

/** The owner stands last, and may have blanks in its name, as all of the other names. */
function prefixesOf(rest: string): readonly string[] {
  const words = rest.split(' ')
  return words.map((_, index) => words.slice(0, words.length - index).join(' '))
}
