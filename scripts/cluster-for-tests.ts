import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNode } from '../test/parts/kubernetes-cluster.ts'

/** One cluster for all test files, which have a namespace each. The file is what HOLDFAST_TEST_CLUSTER names. */
export async function keepCluster(): Promise<{ readonly file: string; readonly end: () => Promise<void> }> {
  const { description, end } = await startNode()
  const file = join(description.folder, 'cluster.json')
  await writeFile(file, JSON.stringify(description), { mode: 0o600 })
  return {
    file,
    end: async () => {
      await rm(file, { force: true })
      await end()
    },
  }
}
