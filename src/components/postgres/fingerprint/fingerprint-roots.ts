import type { Fingerprint } from '../schema.ts'

type TableFingerprint = Fingerprint['tables'][number]

/** A table as it was read, and the partitioned table that it counts for; empty if it counts for itself. */
export type Read = TableFingerprint & { readonly root: string }

/** Whose partitions count together, as a fingerprint has them. */
export function rootsIn({ tables }: Pick<Fingerprint, 'tables'>): readonly string[] {
  return tables.filter(({ partitioned }) => partitioned).map(({ name }) => name)
}

/** Puts one entry in the place of all partitions of a root. Hashes do not depend on the order of rows, so they add up. */
export function foldRoots(found: readonly Read[]): TableFingerprint[] {
  const groups = Map.groupBy(found, ({ root, name }) => (root === '' ? name : root))
  return [...groups].flatMap(([name, group]) => {
    const isRoot = group.some(({ root }) => root !== '')
    return isRoot ? [sumOf(name, group)] : group.map(({ root: _root, ...table }) => table)
  })
}

function sumOf(name: string, group: readonly Read[]): TableFingerprint {
  const sum = (values: readonly string[]): string => String(values.reduce((total, one) => total + BigInt(one), 0n))
  const hashes = group.flatMap(({ hash }) => (hash === undefined ? [] : [hash]))
  const rows = sum(group.map((one) => one.rows))
  const by = group.some((one) => one.by === 'copy') ? ({ by: 'copy' } as const) : {}
  return { name, partitioned: true, ...by, rows, ...(hashes.length === 0 ? {} : { hash: sum(hashes) }) }
}
