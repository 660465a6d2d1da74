/**
 * `npm run soak -- --hours 8`: the crash and end to end tests over and over, in another order every round, until the
 * time is over or something fails. What fails rarely shows itself here; a failing round prints its tests and order.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installMissing } from './machine.ts'
import { runVisibly } from './run.ts'

const { values } = parseArgs({ options: { hours: { type: 'string', default: '1' } } })
const hours = Number(values.hours)
if (!(hours > 0)) {
  console.error(`--hours ${values.hours} is no number above 0`)
  process.exit(2)
}
process.chdir(join(import.meta.dirname, '..'))
await installMissing([])

const files = globSync([
  'test/crash/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/kleidia/*memory.test.ts',
  'test/kleidia/s3-prefix.test.ts',
  'test/roundtrip/**/*.test.ts',
  'src/**/*property*.test.ts',
]).sort()
const deadline = performance.now() + hours * 3_600_000
/** Round trips of 10,000 tables and of a gigabyte, and a storm of 20,000 secrets, which are smaller in `npm test`. */
const FULL_SIZES = { HOLDFAST_SOAK: '1', HOLDFAST_SOAK_SECRETS: process.env['HOLDFAST_SOAK_SECRETS'] ?? '20000' }
let failed = 0
for (let round = 1; failed === 0 && (round === 1 || performance.now() < deadline); round += 1) {
  const turned = [...files.slice(round % files.length), ...files.slice(0, round % files.length)]
  console.log(`round ${round}, beginning with ${turned[0]}`)
  failed = await runVisibly(
    process.execPath,
    ['--test', '--test-concurrency=2', '--test-timeout=1800000', ...turned],
    FULL_SIZES,
  )
}
console.log(failed === 0 ? 'soak: no failure' : 'soak: FAILED')
process.exitCode = failed === 0 ? 0 : 1
