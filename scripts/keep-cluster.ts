/**
 * Starts the cluster of the tests and keeps it until it is interrupted, so that test files share one:
 * run tests with HOLDFAST_TEST_CLUSTER as it prints it.
 */
import { keepCluster } from './cluster-for-tests.ts'

const { file, end } = await keepCluster()
console.log(`The cluster is ready. HOLDFAST_TEST_CLUSTER=${file}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void end().then(() => process.exit(0))
  })
setInterval(() => undefined, 60_000)
