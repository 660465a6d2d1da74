import { createHash, hkdf, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type { Derivation, KeyStep } from './schema.ts'
import { decoded, literalBytes } from './values.ts'

/** A key, or why these bytes cannot be one. */
export type Derived = { readonly bytes: Buffer } | { readonly bytes?: undefined; readonly why: string }

const runPbkdf2 = promisify(pbkdf2)
const runHkdf = promisify(hkdf)

/** Takes the bytes of a secret through the steps that the app takes. */
export async function deriveKey(start: Buffer, steps: readonly KeyStep[]): Promise<Derived> {
  let bytes = start
  for (const step of steps) {
    const next = await takeStep(bytes, step)
    if (next.bytes === undefined) return next
    bytes = next.bytes
  }
  return { bytes }
}

async function takeStep(bytes: Buffer, step: KeyStep): Promise<Derived> {
  switch (step.kind) {
    case 'trim-newline':
      return { bytes: withoutNewline(bytes) }
    case 'decode': {
      const inside = decoded(bytes, step.from)
      return inside === undefined ? { why: `is no ${step.from}` } : { bytes: inside }
    }
    case 'encode':
      return { bytes: Buffer.from(bytes.toString(step.to)) }
    case 'hash':
      return { bytes: createHash(step.hash).update(step.before).update(bytes).update(step.after).digest() }
    case 'length':
      return bytes.length === step.bytes ? { bytes } : { why: `has ${bytes.length} bytes instead of ${step.bytes}` }
    case 'pbkdf2':
    case 'hkdf':
      return { bytes: await stretched(bytes, step) }
  }
}

/** Off the main thread, so that rows with salts of their own use all cores. */
export async function stretched(bytes: Buffer, step: Derivation, salt = literalBytes(step.salt)): Promise<Buffer> {
  if (step.kind === 'pbkdf2') return await runPbkdf2(bytes, salt, step.iterations, step.length, step.hash)
  return Buffer.from(await runHkdf(step.hash, bytes, salt, literalBytes(step.info), step.length))
}

/** Without one line break at the end. */
export function withoutNewline(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 10) return bytes
  return bytes.subarray(0, bytes.at(-2) === 13 ? -2 : -1)
}
