import type { FailureDomain } from '../../core/safety/lost-together.ts'
import { placeOfPath, THIS_HOST } from '../../system/files/where-it-lies.ts'
import { dirname } from 'node:path'
import { stat } from 'node:fs/promises'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { Driver, RetainedCopy } from '../driver.ts'
import type { RestoreTarget, TargetRequest } from '../target.ts'
import type { ArtifactSource } from '../transfer.ts'
import { keptUntil } from '../keep-previous.ts'
import { fingerprintOf } from '../secret-record.ts'
import { captureSecrets } from './capture.ts'
import { checkSecrets } from './check.ts'
import { secretsDestination } from './destination.ts'
import { capturedValues } from './load.ts'
import { allSources, touchedNames } from './folder.ts'
import { destinationsOf, retainedFiles } from './places.ts'
import { placeOf, readSecret } from './read-secret.ts'
import { secretsDetails, secretsSettings, type SecretsDetails, type SecretsSettings } from './schema.ts'
import { hostTarget, scratchTarget } from './target.ts'

/** Keys and passwords that are in files of a host. */
export const secretsDriver: Driver<SecretsSettings, SecretsDetails> = {
  kind: 'secrets',
  settings: secretsSettings,
  details: secretsDetails,
  check: checkSecrets,
  capture: captureSecrets,
  examine: (details, source) => examine(details, source),
  listRetained,
  retainedBytes,
  open: (settings, request) => Promise.resolve(openTarget(settings, request)),
  isWatchable: true,
  destination: secretsDestination,
  place,
  holdsFile: ({ secrets, folder }, path) =>
    Promise.resolve(Object.values(secrets).some(({ file }) => file === path) || dirname(path) === folder),
  secrets: {
    captured: async (details, source, name) => (await capturedValues(details, source)).get(name),
    live: liveSecret,
    fingerprints: ({ secrets }) =>
      secrets.map(({ name, digest, trailingNewline, ...source }) => ({
        name,
        fingerprint: fingerprintOf(digest),
        trailingNewline,
        source: placeOf(source),
      })),
  },
}

async function examine(details: SecretsDetails, source: ArtifactSource): Promise<void> {
  await capturedValues(details, source)
}

function openTarget(settings: SecretsSettings, request: TargetRequest): RestoreTarget<SecretsDetails> {
  return request.mode === 'scratch' ? scratchTarget(settings, request) : hostTarget(settings, request)
}

/** What comes from the environment of this process is on this host as well. */
async function place({ secrets, folder }: SecretsSettings): Promise<FailureDomain> {
  const file = folder ?? Object.values(secrets).find((source) => source.file !== undefined)?.file
  return file === undefined ? { host: THIS_HOST } : await placeOfPath(file)
}

async function liveSecret(settings: SecretsSettings, name: string): Promise<Secret | undefined> {
  const { sources } = await allSources(settings)
  const source = new Map(sources).get(name)
  return source === undefined ? undefined : (await readSecret(source))?.value
}

async function listRetained(settings: SecretsSettings, _context: Context): Promise<readonly RetainedCopy[]> {
  const found = await keptPaths(settings)
  const all = await Promise.all([...found].map(([restoreId, paths]) => keptOf(restoreId, paths, settings)))
  return all.toSorted((a, b) => b.since.getTime() - a.since.getTime())
}

async function retainedBytes(settings: SecretsSettings, { restoreId }: RetainedCopy): Promise<number> {
  const paths = (await keptPaths(settings)).get(restoreId) ?? []
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function keptPaths(settings: SecretsSettings): Promise<ReadonlyMap<string, readonly string[]>> {
  const destinations = destinationsOf(settings, await touchedNames(settings))
  return await retainedFiles(destinations.map(({ file }) => file))
}

/** A rename sets the time of change of what is renamed. */
async function keptOf(restoreId: string, paths: readonly string[], settings: SecretsSettings): Promise<RetainedCopy> {
  const times = await Promise.all(paths.map(async (path) => (await stat(path)).ctimeMs))
  const since = new Date(Math.max(...times))
  const description = `previous values of ${paths.length} secret files`
  return { restoreId, description, since, until: keptUntil(since, settings) }
}
