import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applications } from './applications.ts'
import type { Proven } from './prove.ts'
import { keepResult, resultOf, tableOf } from './results.ts'
import { tryApplication } from './try-application.ts'

/** The small ones; at full size all of them, or those that HOLDFAST_ZOO names. */
const full = process.env['HOLDFAST_SOAK'] !== undefined
const named = process.env['HOLDFAST_ZOO']?.split(',')
const chosen = applications.filter(({ name, small }) => named?.includes(name) ?? (full || small === true))
assert.ok(chosen.length > 0, 'HOLDFAST_ZOO names no application')

for (const application of chosen) {
  test(`${application.name} ${application.version}: its database comes back as it was`, async () => {
    const begun = performance.now()
    const proven = await tryApplication(application).catch((error: unknown): Proven => {
      const stage = { name: 'its own schema and rows', seconds: 0, problem: String(error) }
      return { tables: 0, rows: 0, stages: [stage] }
    })
    const result = resultOf(application, proven, (performance.now() - begun) / 1000)
    await keepResult(result)
    console.log(tableOf([result]))
    for (const { name, seconds } of proven.stages) console.log(`  ${name}: ${seconds.toFixed(1)} s`)
    assert.deepEqual(result.problems, [])
  })
}
