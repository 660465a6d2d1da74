import { X509Certificate } from 'node:crypto'
import type { KeySet } from './keys.ts'
import { publicHalfOfPrivate } from './public-half.ts'
import type { Proof } from './schema.ts'
import { valueIn } from './values.ts'
import { Tally, type Judgement } from './verdict.ts'
import type { EvidenceSource } from './evidence-source.ts'

type CertificateProof = Extract<Proof, { kind: 'certificate' }>

/**
 * Whether a private key is that of a certificate, and whether what it issued chains to it. The newest that names it as its
 * issuer must; older ones may be of an authority of the same name that was replaced, and are counted.
 */
export async function proveCertificate(
  proof: CertificateProof,
  keys: KeySet,
  world: EvidenceSource,
): Promise<{ readonly tally: Tally; readonly evidence: readonly string[] }> {
  const tally = new Tally()
  const [key, certificate] = [await keys.get(proof.key), await keys.get(proof.certificate)]
  if (key.state !== 'there' || certificate.state !== 'there') {
    const lacking = [key, certificate].flatMap((one) => ('why' in one ? [one.why] : []))
    return { tally, evidence: [`${proof.about}: ${lacking.join('; ')}`] }
  }
  const authority = parsed(certificate.bytes)
  tally.add(pairOf(key.bytes, authority))
  if (authority === undefined || proof.issued === undefined) return { tally, evidence: tally.words(proof.about) }
  const chains = await chained(proof.about, proof.issued, authority, { tally, world })
  return { tally, evidence: [...tally.words(proof.about), chains] }
}

function pairOf(key: Buffer, certificate: X509Certificate | undefined): Judgement {
  const half = publicHalfOfPrivate(key)
  if (certificate === undefined) return { group: '', says: 'corrupt', why: 'what should be a certificate is none' }
  if (half === undefined) return { group: '', says: 'corrupt', why: 'what should be a private key is none' }
  const fits = half.equals(certificate.publicKey.export({ format: 'der', type: 'spki' }))
  return fits ? { group: '', says: 'fits' } : { group: '', says: 'misfits', why: 'the certificate is of another key' }
}

async function chained(
  about: string,
  { rows, value }: NonNullable<CertificateProof['issued']>,
  authority: X509Certificate,
  { tally, world }: { readonly tally: Tally; readonly world: EvidenceSource },
): Promise<string> {
  const counts = { chain: 0, replaced: 0, foreign: 0, none: 0 }
  for await (const row of world.rows(rows.component, rows)) {
    world.signal.throwIfAborted()
    const found = valueIn(row, value)
    const says = chainOf(found.bytes && parsed(found.bytes), authority)
    if (counts.chain + counts.replaced === 0) judgeNewest(says, tally)
    counts[says] += 1
  }
  return `${about}: ${wordsOf(counts)}`
}

type Chain = 'chain' | 'replaced' | 'foreign' | 'none'

function chainOf(issued: X509Certificate | undefined, authority: X509Certificate): Chain {
  if (issued === undefined) return 'none'
  if (issued.issuer !== authority.subject) return 'foreign'
  return issued.verify(authority.publicKey) ? 'chain' : 'replaced'
}

function judgeNewest(says: Chain, tally: Tally): void {
  if (says === 'chain') tally.add({ group: '', says: 'fits' })
  if (says === 'replaced')
    tally.add({ group: '', says: 'misfits', why: 'the newest certificate that it issued was signed by another key' })
}

function wordsOf({ chain, replaced, foreign, none }: Readonly<Record<Chain, number>>): string {
  return [
    chain === 0 ? 'no issued certificate that chains to it' : `${chain} issued certificates chain to it`,
    ...(replaced > 0 ? [`${replaced} name it and were signed by another key`] : []),
    ...(foreign > 0 ? [`${foreign} are of other issuers`] : []),
    ...(none > 0 ? [`${none} are no certificates`] : []),
  ].join(', ')
}

/** The first certificate of a chain. */
function parsed(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}
