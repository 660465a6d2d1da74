import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

const SLOW_FILES = 12

/** A reporter of tests: the slowest files, and a line for each test that failed. A log may lose its middle, where these were told. */
// Node takes the default export of a reporter.
// oxlint-disable-next-line import/no-default-export
export default async function* endOfRun(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seconds = new Map<string, number>()
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file !== undefined) seconds.set(data.file, data.duration_ms / 1000)
    if (type === 'test:fail') yield `failed: ${nameOf(data.file)}: ${data.name}: ${reasonOf(data.details.error)}\n`
  }
  const slowest = [...seconds].toSorted(([, a], [, b]) => b - a).slice(0, SLOW_FILES)
  for (const [file, took] of slowest) yield `slow: ${took.toFixed(0)} s ${nameOf(file)}\n`
}

const nameOf = (file = ''): string => relative(process.cwd(), file)

/** What a test threw need not be an error. */
function reasonOf(error: Error): string {
  const reason: unknown = error.cause ?? error
  return String(reason instanceof Error ? reason.message : reason)
    .replaceAll('\n', ' ')
    .slice(0, 300)
}
