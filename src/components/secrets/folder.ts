import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../core/failure.ts'
import { hasCode } from '../../system/files/errno.ts'
import { nothingThere } from '../nothing-there.ts'
import { isSecretName, type SecretSource, type SecretsSettings } from './schema.ts'

/** The secrets by name, those of the folder among them. */
export async function allSources(settings: SecretsSettings): Promise<{
  readonly sources: readonly [string, SecretSource][]
  readonly notCaptured: readonly string[]
}> {
  const { secrets, folder } = settings
  if (folder === undefined) return { sources: Object.entries(secrets), notCaptured: [] }
  const { names, hidden } = await listFolder(folder, Object.keys(secrets).length === 0)
  const twice = names.find((name) => Object.hasOwn(secrets, name))
  if (twice !== undefined)
    throw new Failure('usage', `secret ${twice} is there twice: by its name, and as a file of ${folder}`, {
      hint: 'Give the one in the configuration another name.',
    })
  const files = names.map((name): [string, SecretSource] => [name, { file: join(folder, name) }])
  const notCaptured = hidden.map((name) => `Hidden file ${join(folder, name)}`)
  return { sources: [...Object.entries(secrets), ...files], notCaptured }
}

/** Kubernetes keeps what the names point at in `..` and a time; Holdfast keeps what it replaced beside. */
const NOT_OURS = /^\.\.|\.holdfast-/

async function listFolder(
  folder: string,
  isAll: boolean,
): Promise<{ readonly names: readonly string[]; readonly hidden: readonly string[] }> {
  const entries = (await readFolder(folder, isAll)).toSorted()
  const names = entries.filter((name) => !name.startsWith('.'))
  const strange = names.find((name) => !isSecretName(name))
  if (strange !== undefined)
    throw new Failure('unsupported', `${join(folder, strange)} has a name that no secret can have`, {
      hint: 'Use letters, digits, dots, hyphens and underscores, or name the secrets one by one in the configuration.',
    })
  return { names, hidden: entries.filter((name) => name.startsWith('.') && !NOT_OURS.test(name)) }
}

async function readFolder(folder: string, isAll: boolean): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    const missing = hasCode(cause, 'ENOENT')
    const message = `the folder of secrets ${folder} cannot be read`
    const hint = 'Correct the path in the configuration, or run Holdfast as root or as the owner of the folder.'
    if (missing && isAll) throw nothingThere(message, { cause, hint })
    throw new Failure(missing ? 'notFound' : 'denied', message, { cause, hint })
  }
}

const LEFT = /^\.(.+)\.holdfast-(?:r|equal|prev|none|same|undone)-[0-9a-f]{8}$/

/** Every name that a restore may have touched: what the configuration names, what the folder has, and what is left of others. */
export async function touchedNames({ secrets, folder, restoreFolder }: SecretsSettings): Promise<readonly string[]> {
  const places = [folder, restoreFolder].filter((place) => place !== undefined)
  const entries = (await Promise.all(places.map((place) => readdir(place).catch(() => [])))).flat()
  const left = entries.flatMap((name) => LEFT.exec(name)?.[1] ?? [])
  const there = folder === undefined ? [] : (await readdir(folder).catch(() => [])).filter((name) => isSecretName(name))
  const files = folder === undefined && restoreFolder === undefined ? [] : [...there, ...left]
  return [...new Set([...Object.keys(secrets), ...files])]
}
