/** What every command says of a key fit: the verdict, then the evidence. */
interface SaidFit {
  readonly name: string
  readonly verdict: string
  readonly evidence: readonly string[]
  readonly keys: readonly { readonly name: string; readonly fingerprint: string | null }[]
}

export function formatKeyFits(fits: readonly SaidFit[]): readonly string[] {
  return fits.flatMap(({ name, verdict, evidence, keys }) => [
    `  key fit ${name}: ${verdict} (${keys.map((key) => `${key.name} ${key.fingerprint ?? 'absent'}`).join(', ')})`,
    ...evidence.map((text) => `      ${text}`),
  ])
}
