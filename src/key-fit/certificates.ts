import { X509Certificate } from 'node:crypto'
import type { KeyBoard } from './keys.ts'
import { publicHalfOfPrivate } from './public-half.ts'
import type { Proof } from './schema.ts'
import { valueIn } from './values.ts'
import { Tally, type Judgement } from './verdict.ts'
import type { EvidenceWorld } from './world.ts'

type CertificateProof = Extract<Proof, { kind: 'certificate' }>

/**
 * Whether a private key is that of a certificate. Of what it issued, whatever does not chain is only said: it may be of
 * an earlier CA or of another issuer.
 */
export async function proveCertificate(
  proof: CertificateProof,
  keys: KeyBoard,
  world: EvidenceWorld,
): Promise<{ readonly tally: Tally; readonly evidence: readonly string[] }> {
  const tally = new Tally()
  const [key, certificate] = [await keys.get(proof.key), await keys.get(proof.certificate)]
  if (key.state !== 'there' || certificate.state !== 'there') {
    const lacking = [key, certificate].flatMap((one) => ('why' in one ? [one.why] : []))
    return { tally, evidence: [`${proof.about}: ${lacking.join('; ')}`] }
  }
  const authority = parsed(certificate.bytes)
  tally.add(pairOf(key.bytes, authority))
  const words = tally.words(proof.about)
  if (authority === undefined || proof.issued === undefined) return { tally, evidence: words }
  return { tally, evidence: [...words, await chained(proof.about, proof.issued, authority, world)] }
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
  world: EvidenceWorld,
): Promise<string> {
  let [chains, others] = [0, 0]
  for await (const row of world.rows(rows.component, rows)) {
    const found = valueIn(row, value)
    const issued = found.bytes === undefined ? undefined : parsed(found.bytes)
    if (issued?.verify(authority.publicKey) === true) chains += 1
    else others += 1
  }
  return `${about}: ${chains} issued certificates chain to it, ${others} do not (an earlier authority or another issuer)`
}

/** The first certificate of a chain. */
function parsed(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}
