/**
 * `npm run soak`: every test that has a full size, at that size and one after the other, so that time and memory are its
 * own. `-- --hours 8`: then the crash, end to end and round trip tests over and over, in another order every round, until
 * the time is over. What fails rarely shows itself there. Ends with the exit code of the first that fails.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installMissing } from './machine.ts'
import { runVisibly } from './run.ts'

const { values, positionals } = parseArgs({
  options: { hours: { type: 'string', default: '0' } },
  allowPositionals: true,
})
const hours = Number(values.hours)
if (!(hours >= 0)) {
  console.error(`--hours ${values.hours} is no number from 0 on`)
  process.exit(2)
}
process.chdir(join(import.meta.dirname, '..'))

const FULL_SIZES = { HOLDFAST_SOAK: '1', HOLDFAST_SOAK_SECRETS: process.env['HOLDFAST_SOAK_SECRETS'] ?? '20000' }
/** A test says by this name that it has a full size. */
const [FULL_SIZE = ''] = Object.keys(FULL_SIZES)

function testFiles(...patterns: readonly string[]): string[] {
  const files = globSync([...patterns]).sort()
  return positionals.length === 0 ? files : files.filter((file) => positionals.some((part) => file.includes(part)))
}

/** Undefined when all passed. */
async function atFullSize(files: readonly string[]): Promise<number | undefined> {
  for (const [index, file] of files.entries()) {
    console.log(`full size ${index + 1} of ${files.length}: ${file}`)
    const begun = performance.now()
    const code = await runVisibly(
      process.execPath,
      ['--test', '--test-reporter=spec', '--test-timeout=7200000', file],
      FULL_SIZES,
    )
    console.log(
      `${code === 0 ? 'passed' : 'FAILED'} after ${Math.round((performance.now() - begun) / 1000)} s: ${file}`,
    )
    if (code !== 0) return code
  }
  return undefined
}

/** Undefined when the time is over and nothing failed. A failing round prints its tests and order. */
async function overAndOver(files: readonly string[], deadline: number): Promise<number | undefined> {
  for (let round = 1; performance.now() < deadline; round += 1) {
    const turned = [...files.slice(round % files.length), ...files.slice(0, round % files.length)]
    console.log(`round ${round}, beginning with ${turned[0]}`)
    const options = ['--test', '--test-concurrency=2', '--test-timeout=1800000']
    const code = await runVisibly(process.execPath, [...options, ...turned])
    if (code !== 0) return code
  }
  return undefined
}

const full = testFiles('test/**/*.test.ts').filter((file) => readFileSync(file, 'utf8').includes(FULL_SIZE))
const repeated = testFiles(
  'test/crash/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/kleidia/*memory.test.ts',
  'test/kleidia/s3-prefix.test.ts',
  'test/roundtrip/**/*.test.ts',
  'src/**/*property*.test.ts',
)
if (full.length + repeated.length === 0) {
  console.error(`no test has ${positionals.join(' or ')} in its name`)
  process.exit(2)
}
await installMissing([])
const deadline = performance.now() + hours * 3_600_000
const failed = (await atFullSize(full)) ?? (repeated.length === 0 ? undefined : await overAndOver(repeated, deadline))
console.log(failed === undefined ? 'soak: no failure' : 'soak: FAILED')
process.exitCode = failed ?? 0
