import { toFailure, type Failure, type FailureKind } from '../../core/failure.ts'
import { nextStep } from './next-step.ts'
import { wrapSentences } from './wrap.ts'

/** Where a command writes: results to standard output, everything else to standard error. */
export interface Streams {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  /** Whether a person watches standard error. */
  readonly terminal: boolean
  /** Columns of the terminal that standard error is; undefined where it is none. */
  readonly width?: number | undefined
  /** The same of standard output. */
  readonly resultWidth?: number | undefined
}

/** Prints a result once: as one JSON document, or as text for people. */
export function printResult(streams: Streams, json: boolean, result: unknown, text: () => string): void {
  streams.out(json ? `${JSON.stringify(result)}\n` : ensureNewline(wrapSentences(text(), streams.resultWidth)))
}

/** Prints a failure and gives its kind. */
export function printFailure(streams: Streams, json: boolean, error: unknown): FailureKind {
  const failure = toFailure(error)
  if (json) streams.out(`${JSON.stringify({ error: documentOf(failure) })}\n`)
  else streams.error(wrapSentences(textOf(failure), streams.width))
  return failure.kind
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
