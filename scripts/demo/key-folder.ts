import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyPairKeyObjectResult } from 'node:crypto'
import { link, mkdir, open, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const SPARSE_SIZE = 16 * 1024 * 1024

export interface KeyFolder {
  readonly files: number
  /** As `ls` counts, holes included. */
  readonly bytes: number
}

/**
 * Makes a folder as applications keep their keys: private modes, nested folders, an empty one, a symbolic link, a
 * hard link, a sparse file and a name that is not ASCII. The folder must not exist.
 */
export async function makeKeyFolder(folder: string): Promise<KeyFolder> {
  await mkdir(folder, { mode: 0o700 })
  for (const name of ['tls', 'tls/old', 'jwt', 'empty'])
    await mkdir(join(folder, name), { mode: name === 'jwt' ? 0o700 : 0o750 })
  const contents = keyFiles()
  for (const { name, content, mode } of contents) await writeFile(join(folder, name), content, { mode, flag: 'wx' })
  await symlink('ca.crt', join(folder, 'tls', 'trust.crt'))
  await link(join(folder, 'jwt', 'signing.pem'), join(folder, 'jwt', 'signing-current.pem'))
  await writeSparse(join(folder, 'tls', 'ledger.bin'))
  await utimes(join(folder, 'masterkey'), new Date('2024-02-29T12:00:00Z'), new Date('2024-02-29T12:00:00.250Z'))
  const bytes = contents.reduce((sum, { content }) => sum + Buffer.byteLength(content), SPARSE_SIZE)
  return { files: contents.length + 1, bytes }
}

interface KeyFile {
  readonly name: string
  readonly content: string | Uint8Array
  readonly mode: number
}

function keyFiles(): readonly KeyFile[] {
  const authority = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return [
    { name: 'masterkey', content: randomBytes(32), mode: 0o400 },
    { name: 'tls/ca.key', content: pem.private(authority), mode: 0o600 },
    { name: 'tls/ca.crt', content: pem.public(authority), mode: 0o644 },
    { name: 'tls/old/clé privée №1.pem', content: pem.private(generateKeyPairSync('ed25519')), mode: 0o600 },
    { name: 'jwt/signing.pem', content: pem.private(generateKeyPairSync('ec', { namedCurve: 'P-256' })), mode: 0o600 },
    { name: 'rotate.sh', content: '#!/bin/sh\nexec kill -HUP 1\n', mode: 0o755 },
    { name: 'jwt/revoked', content: '', mode: 0o600 },
  ]
}

/** PKCS #8 and SPKI in PEM, as openssl and most applications write them. */
const pem = {
  private: (pair: KeyPairKeyObjectResult) => pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  public: (pair: KeyPairKeyObjectResult) => pair.publicKey.export({ type: 'spki', format: 'pem' }),
}

/** 16 MiB with data only at its start, middle and end. */
async function writeSparse(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.truncate(SPARSE_SIZE)
    for (const offset of [0, SPARSE_SIZE / 2, SPARSE_SIZE - 4096]) await file.write(randomBytes(4096), 0, 4096, offset)
  } finally {
    await file.close()
  }
}
