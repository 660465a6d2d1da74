import { failureKinds, toFailure, type Failure } from '../core/failure.ts'
import { nextStep } from './next-step.ts'

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

function documentOf(failure: Failure): object {
  return { kind: failure.kind, message: failure.message, hint: nextStep(failure), facts: failure.facts }
}

function textOf(failure: Failure): string {
  const stack = failure.kind === 'bug' && failure.cause instanceof Error ? `\n${failure.cause.stack ?? ''}` : ''
  return `holdfast: ${failure.message}\n  ${nextStep(failure)}${stack}\n`
}

function ensureNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
