import { readFile } from 'node:fs/promises'

export interface RecoveryFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** What every repository carries so that it can be read without Holdfast. Part of this package, beside this module. */
export function recoveryFiles(): Promise<readonly RecoveryFile[]> {
  return Promise.all(
    ['README.txt', 'recover.py'].map(async (name) => ({
      name,
      bytes: await readFile(new URL(name, import.meta.url)),
    })),
  )
}
