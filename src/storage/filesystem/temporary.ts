import { randomHex } from '../../system/random.ts'

const temporaryPattern = /^\..+\.tmp-[0-9a-f]{16}$/

/** A name for a file that is being written, beside its final name. It starts with a dot, which no blob's name does. */
export function temporaryName(finalName: string): string {
  return `.${finalName}.tmp-${randomHex(8)}`
}

export function isTemporaryName(name: string): boolean {
  return temporaryPattern.test(name)
}
