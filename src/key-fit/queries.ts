import type { DeclaredFit } from './schema.ts'

/** Every query that a declaration makes of a component. */
export function queriesOf(
  fit: DeclaredFit,
  component: string,
): readonly { readonly sql: string; readonly limit: number }[] {
  const rings = Object.values(fit.keys).flatMap((source) => (source.kind === 'ring' ? [source.rows] : []))
  const proofs = fit.proofs.flatMap((proof) => {
    if (proof.kind === 'live' || proof.kind === 'cookie') return []
    return proof.kind === 'certificate' ? (proof.issued === undefined ? [] : [proof.issued.rows]) : [proof.rows]
  })
  return [...rings, ...proofs].filter((rows) => rows.component === component)
}
