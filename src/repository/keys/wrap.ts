import type { Decrypter, Encrypter, Identity as AgeIdentity } from 'age-encryption'
import { Failure } from '../../core/failure.ts'
import { fromHex } from '../documents/encoding.ts'
import type { Identity } from '../repository.ts'

/** What the keys file of a restore point holds: docs/reference/format.md section 5. */
const MAGIC = Buffer.from('HFKEY1')
const RECORD_LENGTH = 70
/** Of the record in an age file: the nonce of its key, and the one chunk with its tag. */
const PAYLOAD_LENGTH = 16 + RECORD_LENGTH + 16
const AGE_HEADER = Buffer.from('age-encryption.org/v1\n')

export interface PointName {
  readonly repository: string
  readonly point: string
}

/** Encrypts a point's data key to all recipients, as an age file. Fails with `usage` when there is none or one is not valid. */
export async function wrapDataKey(
  dataKey: Uint8Array,
  { repository, point }: PointName,
  recipients: readonly string[],
): Promise<Uint8Array> {
  if (recipients.length === 0)
    throw new Failure('usage', 'no recipient: nobody could restore this point', {
      hint: 'Name at least one recipient of the repository.',
    })
  const encrypter = await encrypterFor(recipients)
  const record = Buffer.concat([MAGIC, fromHex(repository), fromHex(point), dataKey])
  try {
    return await encrypter.encrypt(record)
  } finally {
    record.fill(0)
  }
}

/** age takes 0.1 s to load, which listing points need not pay. */
async function encrypterFor(recipients: readonly string[]): Promise<Encrypter> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const recipient of new Set(recipients)) {
    try {
      encrypter.addRecipient(recipient)
    } catch (cause) {
      throw new Failure('usage', `${recipient} is no age recipient`, { cause, hint: 'A recipient begins with age1.' })
    }
  }
  return encrypter
}

/** Fails with `usage` unless every recipient is one that data keys can be encrypted to. */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  await encrypterFor(recipients)
}

/** Whether these bytes begin as an age file. */
function isAgeFile(bytes: Uint8Array): boolean {
  return AGE_HEADER.equals(bytes.subarray(0, AGE_HEADER.length))
}

/**
 * The data key of a point. Fails with `denied` when no identity opens the file, and with `corrupt` when it is no age
 * file, was changed, or belongs to another point.
 */
export async function unwrapDataKey(
  file: Uint8Array,
  { repository, point }: PointName,
  identities: readonly Identity[],
): Promise<Buffer> {
  if (!isAgeFile(file)) throw new Failure('corrupt', `keys of restore point ${point} are no age file`)
  const record = Buffer.from(await decrypt(file, point, identities))
  const ids = Buffer.concat([MAGIC, fromHex(repository), fromHex(point)])
  if (record.length === RECORD_LENGTH && record.subarray(0, ids.length).equals(ids)) return record.subarray(ids.length)
  throw new Failure('corrupt', `keys of restore point ${point} belong to another restore point`)
}

async function decrypt(file: Uint8Array, point: string, identities: readonly Identity[]): Promise<Uint8Array> {
  const decrypter = await decrypterFor(identities)
  const last = new LastIdentity()
  decrypter.addIdentity(last)
  try {
    return await decrypter.decrypt(file)
  } catch (cause) {
    if (last.stanzas === undefined)
      throw new Failure('corrupt', `keys of restore point ${point} are damaged`, { cause })
    throw new Failure('denied', `no identity at hand opens restore point ${point}`, {
      hint: 'Give the identity of one of the recipients that it was made for.',
    })
  }
}

/** The number of recipients that keys are encrypted to. Fails with `corrupt` when their header is damaged or they are cut off. */
export async function recipientCount(file: Uint8Array): Promise<number> {
  const { Decrypter } = await import('age-encryption')
  const [decrypter, last] = [new Decrypter(), new LastIdentity()]
  decrypter.addIdentity(last)
  await decrypter.decrypt(file).catch(() => undefined)
  if (last.stanzas === undefined) throw new Failure('corrupt', 'an age file with a damaged header')
  const headerEnd = Buffer.from(file).indexOf('\n', Buffer.from(file).indexOf('\n--- ') + 1) + 1
  if (file.length - headerEnd !== PAYLOAD_LENGTH) throw new Failure('corrupt', 'an age file that is cut off')
  return last.stanzas
}

/** Opens nothing. Identities are asked in order, so it is asked exactly when the header is whole and none before it matched. */
class LastIdentity implements AgeIdentity {
  stanzas: number | undefined

  unwrapFileKey(stanzas: readonly unknown[]): null {
    this.stanzas = stanzas.length
    return null
  }
}

async function decrypterFor(identities: readonly Identity[]): Promise<Decrypter> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const { key } of identities) {
    try {
      decrypter.addIdentity(key.reveal())
    } catch {
      // The error of the library may quote the key.
      throw new Failure('usage', 'an identity is no AGE-SECRET-KEY-1… line')
    }
  }
  return decrypter
}
