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

const unitTests = [...globSync('src/**/*.test.ts'), 'test/architecture.test.ts', 'test/docs.test.ts'].sort()
const checkedFolders = ['src', 'test', 'scripts', 'bench']

const steps: readonly (readonly [string, string, readonly string[]])[] = [
  ['types', bin('tsc'), ['--noEmit']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', ...checkedFolders]],
  ['format', bin('oxfmt'), ['--check', ...checkedFolders]],
  [
    'unit tests and architecture',
    process.execPath,
    ['--test', '--test-reporter=spec', '--test-concurrency=2', '--test-timeout=120000', ...unitTests],
  ],
]

/** Most of a small test file's time is compiling what it imports. */
const compileCache = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled') }

let failed = 0
for (const [name, file, args] of steps) {
  const begun = performance.now()
  const { code, output } = await runQuietly(file, args, compileCache)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`)
  if (code !== 0) {
    failed += 1
    console.log(output)
  } else if (name.startsWith('unit')) {
    console.log(
      output
        .split('\n')
        .filter((line) => /^ℹ (tests|pass|fail|skipped)/.test(line))
        .join('\n'),
    )
  }
}
process.exitCode = failed === 0 ? 0 : 1
