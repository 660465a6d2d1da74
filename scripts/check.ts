/**
 * `npm run check`: types, lint, format, unit tests and architecture, in under a minute. Every step runs even if one
 * fails, so that one run shows everything.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { runQuietly } from './run.ts'

const root = join(import.meta.dirname, '..')
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)
process.chdir(root)

const unitTests = [...globSync('{src,bench}/**/*.test.ts'), 'test/architecture.test.ts', 'test/docs.test.ts'].sort()
const checkedFolders = ['src', 'test', 'scripts', 'bench']

const steps: readonly (readonly [string, string, readonly string[]])[] = [
  // Where little has changed since the last run it looks at that little.
  ['types', bin('tsc'), ['--noEmit', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/check.tsbuildinfo']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', ...checkedFolders]],
  ['format', bin('oxfmt'), ['--check', ...checkedFolders]],
]

/**
 * Unit tests share a few processes, as starting one for each file takes longer than most files; several, because many
 * tests wait for a limit and not for the processor.
 */
const SHARDS = 10
const testArguments = (shard: number): readonly string[] => [
  '--test',
  '--test-reporter=spec',
  '--test-isolation=none',
  '--test-timeout=120000',
  `--test-shard=${shard}/${SHARDS}`,
  ...unitTests,
]

/** Most of a small test file's time is compiling what it imports. */
const compileCache = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled') }

interface Result {
  readonly code: number
  readonly output: string
}

async function step(name: string, run: () => Promise<readonly Result[]>): Promise<readonly Result[]> {
  const begun = performance.now()
  const results = await run()
  const failed = results.filter(({ code }) => code !== 0)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`${failed.length === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`)
  for (const { output } of failed) console.log(output)
  if (failed.length > 0) process.exitCode = 1
  return results
}

/** The sum over all shards of a line such as `ℹ pass 12`. */
function sumOf(results: readonly Result[], what: string): number {
  return results.reduce(
    (sum, { output }) => sum + Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0),
    0,
  )
}

for (const [name, file, args] of steps) await step(name, async () => [await runQuietly(file, args, compileCache)])
const shards = Array.from({ length: SHARDS }, (_, index) => index + 1)
const results = await step('unit tests and architecture', () =>
  Promise.all(shards.map((shard) => runQuietly(process.execPath, testArguments(shard), compileCache))),
)
for (const what of ['tests', 'pass', 'fail', 'skipped']) console.log(`  ${what} ${sumOf(results, what)}`)
