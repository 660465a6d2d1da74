import { createDecipheriv, type DecipherGCM } from 'node:crypto'
import { Failure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import type { Secret } from '../../../core/secret.ts'
import { assertNotCancelled } from '../../../storage/outcomes.ts'
import { ByteReader, bytesOf } from '../../../repository/documents/bytes.ts'
import { ChecksumTrial, type ChecksumVerdict } from './checksum.ts'
import { kleidiaKey } from './key.ts'
import { CIPHER, LONGEST_CIPHERTEXT, LONGEST_PREFIX, TAG_SIZE } from './layout.ts'
import { cutOff, headerWithMagic, readPrefix, type Prefix } from './prefix.ts'
import { withoutTail } from '../read/tail.ts'
import type { Spooled } from '../read/spooled.ts'

/** What the writer authenticated beside the ciphertext; the documentation says nothing of it. */
export type Additional = 'nothing' | 'header' | 'magic, length and header'

/** A file whose every byte was read and found to be of who has the password. */
export interface Authentic {
  readonly prefix: Prefix
  readonly checksum: ChecksumVerdict
  readonly additional: Additional
  /** The content, still compressed; it can be read once for each call. */
  plaintext(): Bytes
}

interface Trial {
  readonly additional: Additional
  readonly decipher: DecipherGCM
}

/**
 * The first pass: reads the whole file, forgets what it decrypts, and says whether it is authentic. Fails with `corrupt`
 * when the checksum is wrong, and with `denied` when it is right and the password does not open the file. More cannot be
 * told apart: the format has nothing by which a password could be known to be right.
 */
export async function authenticate(
  file: Spooled,
  name: string,
  password: Secret,
  context: Context,
): Promise<Authentic> {
  const prefix = await prefixOf(file, name)
  const length = file.size - prefix.length
  if (length < TAG_SIZE) throw cutOff(name)
  if (length > LONGEST_CIPHERTEXT + TAG_SIZE) throw new Failure('unsupported', `${name} is longer than AES-GCM allows`)
  const key = await kleidiaKey(password, prefix.salt)
  const first = await tryAll(file, prefix, key, ['nothing'], context.signal)
  if (first.checksum.verdict === 'wrong') throw damaged(name)
  const others: readonly Additional[] = ['header', 'magic, length and header']
  const found = first.opens ?? (await tryAll(file, prefix, key, others, context.signal)).opens
  if (found === undefined) throw doesNotOpen(name, first.checksum)
  const opened = { prefix, checksum: first.checksum, additional: found }
  return { ...opened, plaintext: () => decrypt(file, name, opened, key, context.signal) }
}

async function prefixOf(file: Spooled, name: string): Promise<Prefix> {
  const reader = new ByteReader(bytesOf(await file.start(LONGEST_PREFIX)))
  try {
    return await readPrefix(reader, name)
  } finally {
    await reader.close()
  }
}

async function tryAll(
  file: Spooled,
  prefix: Prefix,
  key: Buffer,
  kinds: readonly Additional[],
  signal: AbortSignal,
): Promise<{ readonly checksum: ChecksumVerdict; readonly opens: Additional | undefined }> {
  const trials = kinds.map((additional): Trial => ({ additional, decipher: decipherOf(prefix, key, additional) }))
  const checksum = new ChecksumTrial(prefix)
  const { body, tail } = withoutTail(file.read(prefix.length, file.size), TAG_SIZE)
  for await (const chunk of body) {
    assertNotCancelled(signal, 'read the backup')
    checksum.update(chunk)
    for (const { decipher } of trials) decipher.update(chunk)
  }
  return {
    checksum: checksum.finish(tail(), prefix.claims.checksum),
    opens: trials.find(({ decipher }) => isAuthentic(decipher, tail()))?.additional,
  }
}

function decipherOf(prefix: Prefix, key: Buffer, additional: Additional): DecipherGCM {
  const decipher = createDecipheriv(CIPHER, key, prefix.nonce, { authTagLength: TAG_SIZE })
  if (additional === 'header') decipher.setAAD(prefix.header)
  if (additional === 'magic, length and header') decipher.setAAD(headerWithMagic(prefix))
  return decipher
}

function isAuthentic(decipher: DecipherGCM, tag: Buffer): boolean {
  try {
    decipher.setAuthTag(tag).final()
    return true
  } catch {
    return false
  }
}

/** The second pass, over the same bytes. The tag is looked at again: a medium may read other bytes the second time. */
async function* decrypt(
  file: Spooled,
  name: string,
  { prefix, additional }: Pick<Authentic, 'prefix' | 'additional'>,
  key: Buffer,
  signal: AbortSignal,
): Bytes {
  const decipher = decipherOf(prefix, key, additional)
  const { body, tail } = withoutTail(file.read(prefix.length, file.size), TAG_SIZE)
  for await (const chunk of body) {
    assertNotCancelled(signal, 'decrypt the backup')
    yield decipher.update(chunk)
  }
  if (!isAuthentic(decipher, tail()))
    throw new Failure('corrupt', `${name} read differently the second time`, {
      hint: 'The medium of the folder it was copied to is failing. Nothing was released; use another folder.',
    })
}

function damaged(name: string): Failure {
  return new Failure('corrupt', `${name} is damaged: its checksum does not match`, {
    hint: 'Fetch it again from where it was stored, or use another backup. The password was not judged.',
  })
}

function doesNotOpen(name: string, { verdict }: ChecksumVerdict): Failure {
  if (verdict === 'absent') {
    return new Failure('denied', `${name} does not open: wrong password, or damaged or forged (it has no checksum)`, {
      hint: 'Passwords are case-sensitive. Try the password that was set when this file was made.',
    })
  }
  return new Failure('denied', `wrong password for ${name} (or the file is forged)`, {
    hint: 'Its checksum is right. Passwords are case-sensitive. Try the password that was set when this file was made.',
  })
}
