import { failureKinds, toFailure, type Failure } from '../core/failure.ts'

/** Where a command writes: results to standard output, everything else to standard error. */
export interface Streams {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  /** Whether a person watches standard error. */
  readonly terminal: boolean
}

/** Prints a result once: as one JSON document, or as text for people. */
export function printResult(streams: Streams, json: boolean, result: unknown, text: () => string): void {
  streams.out(json ? `${JSON.stringify(result)}\n` : ensureNewline(text()))
}

/** Prints a failure and gives the exit code of its kind. */
export function printFailure(streams: Streams, json: boolean, error: unknown): number {
  const failure = toFailure(error)
  if (json) streams.out(`${JSON.stringify({ error: documentOf(failure) })}\n`)
  else streams.error(textOf(failure))
  return failureKinds[failure.kind].exit
}

function documentOf({ kind, message, hint, facts }: Failure): object {
  return { kind, message, ...(hint === undefined ? {} : { hint }), facts }
}

function textOf(failure: Failure): string {
  const hint = failure.hint === undefined ? '' : `\n  ${failure.hint}`
  const stack = failure.kind === 'bug' && failure.cause instanceof Error ? `\n${failure.cause.stack ?? ''}` : ''
  return `holdfast: ${failure.message}${hint}${stack}\n`
}

function ensureNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
