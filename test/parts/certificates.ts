import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface Certificates {
  /** PEM files. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/** A certificate authority of one's own, and a certificate for the loopback that it signed. */
export async function makeCertificates(folder: string, name: string): Promise<Certificates> {
  const file = (part: string): string => join(folder, `${name}-${part}`)
  const openssl = (...args: readonly string[]): Promise<unknown> => execute('openssl', [...args], { timeout: 60_000 })
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const [ca, caKey, request, certificate, key] = [file('ca'), file('ca-key'), file('request'), file('crt'), file('key')]
  await openssl('req', '-x509', ...fresh, '-keyout', caKey, '-out', ca, '-subj', `/CN=${name} CA`, '-days', '2')
  await openssl('req', ...fresh, '-keyout', key, '-out', request, '-subj', `/CN=${name}`)
  await writeFile(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', file('names')]
  await openssl('x509', '-req', '-in', request, '-out', certificate, ...signed)
  return { ca, certificate, key }
}
