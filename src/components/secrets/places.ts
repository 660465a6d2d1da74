import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import type { SecretDetails, SecretSource, SecretsSettings } from './schema.ts'

/** One file that a restore writes, with the secrets that go into it. */
export interface Destination {
  readonly file: string
  /** Several only where they are values of one YAML or environment file. */
  readonly secrets: readonly FilePart[]
}

/** A secret and where in its file it is; the whole file when nothing is said. */
export interface FilePart extends Pick<SecretSource, 'yamlKey' | 'variable'> {
  readonly name: string
}

/** Where one restore keeps its things, all beside the live file, so that each can be renamed to the other. */
export interface SecretPlaces {
  readonly live: string
  /** What will be live. */
  readonly loaded: string
  /** Stands for `loaded` where the live value is equal and is left alone. */
  readonly equal: string
  readonly previous: string
  /** Stands for `previous` where nothing was live. */
  readonly nothing: string
  /** Stands for `previous` where the value was left alone. */
  readonly same: string
  readonly undone: string
}

export function placesOf(live: string, restoreId: string): SecretPlaces {
  const beside = (word: string): string => join(dirname(live), `.${basename(live)}.holdfast-${word}-${restoreId}`)
  return {
    live,
    loaded: beside('r'),
    equal: beside('equal'),
    previous: beside('prev'),
    nothing: beside('none'),
    same: beside('same'),
    undone: beside('undone'),
  }
}

/** The files that these secrets go to. Fails with `usage` when the settings do not say where. */
export function destinationsOf(settings: SecretsSettings, names: readonly string[]): readonly Destination[] {
  const files = new Map<string, Destination>()
  for (const name of names) {
    const { file, yamlKey, variable } = destinationOf(settings, name)
    // What came from the environment of a process has no file.
    if (file === undefined) continue
    const secrets = [...(files.get(file)?.secrets ?? []), { name, yamlKey, variable }]
    files.set(file, { file, secrets })
  }
  return [...files.values()]
}

function destinationOf({ secrets, folder, restoreFolder }: SecretsSettings, name: string): SecretSource {
  if (restoreFolder !== undefined) return { file: join(restoreFolder, name) }
  const source = Object.hasOwn(secrets, name) ? secrets[name] : undefined
  if (source !== undefined) return source
  if (folder !== undefined) return { file: join(folder, name) }
  throw new Failure('usage', `the configuration does not say where secret ${name} goes`, {
    hint: 'Add it to the secrets of the component, or set restoreFolder to get all of them as files.',
  })
}

/** Those of the names that are variables of the environment, which no restore can set. */
export function environmentSecrets(
  settings: SecretsSettings,
  names: readonly string[],
): readonly { readonly name: string; readonly environment: string }[] {
  return names.flatMap((name) => {
    const { environment } = destinationOf(settings, name)
    return environment === undefined ? [] : [{ name, environment }]
  })
}

export function namesOf(secrets: readonly SecretDetails[]): readonly string[] {
  return secrets.map(({ name }) => name)
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch {
    return false
  }
}

const KEPT = /\.holdfast-(prev|none|same|undone)-([0-9a-f]{8})$/

/** The restores that left something beside these files, each with the files that it is beside. */
export async function retainedFiles(files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const kept = new Map<string, string[]>()
  for (const file of files) {
    const names = await readdir(dirname(file)).catch(() => [])
    for (const name of names.filter((one) => one.startsWith(`.${basename(file)}.holdfast-`))) {
      const restoreId = KEPT.exec(name)?.[2]
      if (restoreId !== undefined) kept.set(restoreId, [...(kept.get(restoreId) ?? []), join(dirname(file), name)])
    }
  }
  return kept
}
