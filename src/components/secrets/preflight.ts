import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readEnvFile } from '../../core/texts/env-file.ts'
import { failedFinding } from '../../core/failed-finding.ts'
import { describe, Failure } from '../../core/failure.ts'
import type { Finding } from '../../core/restore-point.ts'
import { noVariable, partsOfNoFile, requireEnvironment } from './load.ts'
import { destinationsOf, exists, namesOf, type Destination } from './places.ts'
import { readHostFile } from './read-secret.ts'
import type { SecretsDetails, SecretsSettings } from './schema.ts'
import { cannotWrite } from './write-secret.ts'

/** What would make a restore to these files fail. Nothing is written. */
export async function preflightSecrets(
  settings: SecretsSettings,
  details: SecretsDetails,
): Promise<readonly Finding[]> {
  try {
    const destinations = destinationsOf(settings, namesOf(details.secrets))
    await requireEnvironment(settings, details)
    const found = await Promise.all(destinations.map((one) => wrongWith(one, settings)))
    const wrong = new Map(found.flatMap((error) => (error === undefined ? [] : [[describe(error), error]])))
    if (wrong.size > 0) return [...wrong.values()].map((error) => failedFinding('secrets', error))
    const message = `${details.secrets.length} secrets into ${destinations.length} files`
    return [{ level: 'ok', subject: 'secrets', message }]
  } catch (error) {
    return [failedFinding('secrets', error)]
  }
}

async function wrongWith(destination: Destination, settings: SecretsSettings): Promise<unknown> {
  try {
    await requireFile(destination)
    await requireFolder(dirname(destination.file), settings.restoreFolder ?? settings.folder)
    return undefined
  } catch (error) {
    return error
  }
}

async function requireFile(destination: Destination): Promise<void> {
  const { file, secrets } = destination
  if (isWhole(secrets)) return
  const live = await readHostFile(file)
  if (live === undefined) throw partsOfNoFile(destination)
  const there = readEnvFile(live.content.toString('utf8'))
  const lost = secrets.find(({ variable }) => variable !== undefined && !there.has(variable))
  if (lost?.variable !== undefined) throw noVariable(file, lost.variable)
}

function isWhole(secrets: Destination['secrets']): boolean {
  return secrets.some(({ yamlKey, variable }) => yamlKey === undefined && variable === undefined)
}

/** A folder of ours is made by the restore, with those above it; any other has to be there. */
async function requireFolder(folder: string, made: string | undefined): Promise<void> {
  const nearest = folder === made ? await nearestFolder(folder) : folder
  if (!(await exists(nearest)))
    throw new Failure('notFound', `there is no folder ${folder} to restore secrets to`, {
      hint: 'Make the folder, with the owner that the app needs, or set restoreFolder to get the values as files.',
    })
  await access(nearest, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw cannotWrite(`folder ${nearest}`, cause)
  })
}

async function nearestFolder(path: string): Promise<string> {
  return (await exists(path)) || dirname(path) === path ? path : await nearestFolder(dirname(path))
}
