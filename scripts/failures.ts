import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

/** A reporter of tests: a line for each test that failed. A log may lose its middle; these stand at its end. */
// Node takes the default export of a reporter.
// oxlint-disable-next-line import/no-default-export
export default async function* failures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:fail') continue
    const { name, file, details } = event.data
    const [why = ''] = (details.error.cause instanceof Error ? details.error.cause : details.error).message.split('\n')
    yield `failed: ${file === undefined ? '' : `${relative(process.cwd(), file)}: `}${name}: ${why.slice(0, 300)}\n`
  }
}
