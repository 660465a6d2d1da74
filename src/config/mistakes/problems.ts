import { Failure } from '../../core/failure.ts'

/** One thing that is wrong in the file, with the place in the data it is about. */
export interface Problem {
  readonly path: Path
  /** Whether the name at the end of the path is wrong, or what is written under it. */
  readonly at: 'name' | 'value'
  readonly message: string
}

/** Keys and list positions, from the top of the file. */
export type Path = readonly PropertyKey[]

/** A problem with its place in the text, counted from 1. */
export interface Located {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** `apps.portal.repositories[1]`; empty for the top. */
export function spellPath(path: Path): string {
  return path.reduce<string>(
    (text, key) => text + (typeof key === 'number' ? `[${key}]` : `${text === '' ? '' : '.'}${String(key)}`),
    '',
  )
}

/** `holdfast.yaml:12:7: message`, as compilers print it and editors follow it. */
export function spellLocated(file: string, { line, column, message }: Located): string {
  return `${file}:${line}:${column}: ${message}`
}

/** All problems of a file as one failure, in the order of the file, each once. */
export function wrongFile(file: string, problems: readonly Located[]): Failure {
  const ordered = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const lines = [...new Set(ordered.map((problem) => spellLocated(file, problem)))]
  return new Failure('usage', lines.join('\n'), {
    hint: 'docs/use/configuration.md explains every key.',
    facts: { file, problems: lines.length },
  })
}
