/**
 * Starts the cluster of the tests and keeps it until it is interrupted, so that test files share one:
 * `node scripts/keep-cluster.ts <file>`, then run tests with HOLDFAST_TEST_CLUSTER=<file>.
 */
import { writeFile } from 'node:fs/promises'
import { startNode } from '../test/parts/kubernetes-cluster.ts'

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node scripts/keep-cluster.ts <file>')
  process.exit(2)
}
const { description, end } = await startNode()
await writeFile(file, JSON.stringify(description), { mode: 0o600 })
console.log(`The cluster is ready. HOLDFAST_TEST_CLUSTER=${file}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void end().then(() => process.exit(0))
  })
setInterval(() => undefined, 60_000)
