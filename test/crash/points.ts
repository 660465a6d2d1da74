import assert from 'node:assert/strict'
import { pair, readWhole, type TestHost } from '../../src/operations/testing/test-host.ts'
import type { Catalog } from '../../src/repository/repository.ts'

/** What must hold of a repository whoever died: what it lists is whole, and nothing is gone that nobody removed. */
export async function assertSound(testHost: TestHost, index = 0, identities = [pair]): Promise<Catalog> {
  const repository = await testHost.repository(index)
  const catalog = await repository.catalog(testHost.context())
  assert.deepEqual(catalog.damaged, [])
  assert.deepEqual(catalog.alarms, [])
  for (const { point } of catalog.points) await readWhole(repository, point, testHost.context(), identities)
  return catalog
}

/** Every point is listed, or its tombstone is: nothing that was committed is just gone. */
export function assertAccounted({ points, removed }: Catalog, committed: readonly string[]): void {
  const known = new Set([...points.map(({ point }) => point), ...removed.map(({ point }) => point)])
  assert.deepEqual(
    committed.filter((point) => !known.has(point)),
    [],
    'points are gone without a tombstone',
  )
}

export function listed({ points }: Catalog): string[] {
  return points.map(({ point }) => point)
}
