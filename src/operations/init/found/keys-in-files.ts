import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Profile } from '../../../profiles/profile.ts'
import type { Surroundings } from '../../../platforms/surroundings.ts'
import { readVariable } from '../../../system/environment-file.ts'
import type { Found } from './draft.ts'
import { KEYS, withProof } from './key-proof.ts'

/** Secrets of the environment file or the compose file, where this host has it. */
export async function keysInFiles(profile: Profile, { ownFiles }: Surroundings): Promise<Found> {
  const sources = new Map<string, Readonly<Record<string, unknown>>>()
  for (const [key, { variables }] of Object.entries(profile.shape.keys)) {
    const source = await sourceOf(variables, ownFiles)
    if (source !== undefined) sources.set(key, source)
  }
  const secrets = Object.fromEntries([...sources].map(([key, source]) => [hyphened(key), source]))
  const components = sources.size === 0 ? {} : { [KEYS]: { kind: 'secrets', secrets } }
  const files = ownFiles.join(', ') || 'the environment file'
  return withProof(profile, components, (_names, key) =>
    sources.has(key) ? { secret: hyphened(key) } : { why: `it is not in ${files} on this host` },
  )
}

async function sourceOf(
  variables: readonly string[],
  files: readonly string[],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  for (const file of files)
    for (const variable of variables) {
      if (hasVariable(file, variable)) return { file, variable }
      const yamlKey = await keyOfYaml(file, variable)
      if (yamlKey !== undefined) return { file, yamlKey }
    }
  return undefined
}

function hasVariable(file: string, name: string): boolean {
  try {
    return readVariable(file, name) !== ''
  } catch {
    // Not here, no such file, or no such variable: another file may have it.
    return false
  }
}

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({ environment: z.record(z.string(), z.unknown()).optional().catch(undefined) }),
  ),
})

/** Where a compose file has the value itself. */
async function keyOfYaml(file: string, variable: string): Promise<readonly string[] | undefined> {
  if (!/\.ya?ml$/.test(file)) return undefined
  const text = await readFile(file, 'utf8').catch(() => '')
  const parsed = composeFile.safeParse(readYaml(text))
  if (!parsed.success) return undefined
  const found = Object.entries(parsed.data.services).find(([, { environment }]) => isValue(environment?.[variable]))
  return found && ['services', found[0], 'environment', variable]
}

/** What compose fills in from elsewhere is no value. */
function isValue(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('$')
}

function readYaml(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

function hyphened(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
