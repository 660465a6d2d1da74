import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemFailure } from '../../../core/failure.ts'
import { Secret } from '../../../core/secret.ts'
import type { TlsIdentity } from '../../../system/http.ts'

/** Where a container engine listens, as the configuration says it. */
export interface EngineAddress {
  /** `unix:///path` or `tcp://host:port`. */
  readonly engine: string
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`. */
  readonly certificates?: string | undefined
}

/** What a connection needs. */
export interface EngineAccess {
  /** As `HttpServer` takes it. */
  readonly address: string
  readonly ca: string | undefined
  readonly tls: TlsIdentity | undefined
}

export async function accessOf({ engine, certificates }: EngineAddress): Promise<EngineAccess> {
  if (engine.startsWith('unix://')) return { address: engine, ca: undefined, tls: undefined }
  const place = engine.slice('tcp://'.length)
  if (certificates === undefined) return { address: `http://${place}`, ca: undefined, tls: undefined }
  const [ca, certificate, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readPem(join(certificates, name))),
  )
  const identity = { certificate: certificate ?? '', key: new Secret(key ?? '') }
  return { address: `https://${place}`, ca, tls: { insecure: false, serverName: undefined, certificate: identity } }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw systemFailure(`certificate file ${path} of the container engine cannot be read`, cause)
  }
}
