import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { carriedText } from '../../config/carried/carried-text.ts'
import { parseConfig } from '../../config/load-config.ts'
import { mergeCarried } from '../../config/carried/merge-carried.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import { Secret } from '../../core/secret.ts'
import type { InitFrom, InitReport, InitRequest } from './init.ts'
import { carriedConfigurations, type CarriedConfiguration } from '../points/carried-configurations.ts'
import { parsePointChoice } from '../points/find-point.ts'
import { parseIdentityFile, type IdentityFile } from '../../repository/keys/identity-file.ts'
import { noMemory } from '../../repository/memory.ts'
import { openRepository } from '../../repository/open.ts'
import type { Storage } from '../../storage/storage.ts'
import { processEnvironment } from '../../system/environment.ts'
import { writeNewFile } from '../../system/files/private-file.ts'
import { software } from '../../system/process/software.ts'
import { componentSchemas } from '../component-schemas.ts'
import { exists } from '../../system/files/errno.ts'
import { fitToHost } from './fit-to-host.ts'
import { openLockedKeys, readLockedKeys } from '../keys/locked-keys.ts'
import { missingBeside } from './missing-beside.ts'
import { openFrom } from './open-from.ts'

/**
 * Writes the configuration that the points of a repository carry, on a host that has nothing but the repository and its
 * password or private key. The repository is only read. Nothing that exists is overwritten.
 */
export async function initializeFrom(
  path: string,
  from: InitFrom,
  request: InitRequest,
  context: Context,
): Promise<InitReport> {
  const choice = parsePointChoice(from.at)
  if (await exists(path))
    throw new Failure('refused', `${path} exists already`, {
      hint: 'It is not overwritten. Move it away, or name another file with --config.',
    })
  const storage = await openFrom(from, context)
  // First whether there is a repository at all: no password is asked for a wrong address.
  const options = { trustedSigners: [], memory: noMemory, software }
  const { id } = await openRepository(storage, options, context)
  const keys = await keysFor(storage, request, context)
  const repository = await openRepository(storage, { ...options, trustedSigners: keys.signers }, context)
  const carried = await carriedConfigurations(repository, keys.identities, choice, context)
  const findings = await write(path, carried, { from, keys, identityFile: request.identityFile })
  return {
    configPath: path,
    configWritten: true,
    signer: null,
    recipient: null,
    identityFile: request.identityFile ?? null,
    lockedIdentity: null,
    copiedIdentities: [],
    from: carried.map(({ app, point, created }) => ({ app, point, created })),
    repositories: [{ name: carried[0]?.repository ?? '', location: from.url, outcome: 'exists', id }],
    findings,
  }
}

async function keysFor(storage: Storage, request: InitRequest, context: Context): Promise<IdentityFile> {
  const { identityFile, currentPassword } = request
  if (identityFile !== undefined) return parseIdentityFile(new Secret(await readFile(identityFile, 'utf8')))
  const places = await readLockedKeys([storage.location], () => Promise.resolve(storage), context)
  if (places.length === 0)
    throw new Failure('usage', `no private key is locked in ${storage.location}`, {
      hint: 'Give the file with the private key with --identity-file.',
    })
  const { identities } = await openLockedKeys(places, currentPassword, context)
  return {
    identities: identities.map(({ key }) => ({ key })),
    signers: [...new Set(identities.flatMap(({ signers }) => signers))],
  }
}

interface Place {
  readonly from: InitFrom
  readonly keys: IdentityFile
  readonly identityFile: string | undefined
}

async function write(
  path: string,
  carried: readonly CarriedConfiguration[],
  place: Place,
): Promise<readonly Finding[]> {
  const merged = mergeCarried(carried.map(({ file }) => file))
  const fitted = await fitToHost(merged.file, {
    repositories: [...new Set(carried.map(({ repository }) => repository))],
    from: place.from,
    signers: place.keys.signers,
    ...(place.identityFile === undefined ? {} : { identityFile: resolve(place.identityFile) }),
  })
  const points = carried.map(({ app, point, created }) => `From restore point ${point} of ${app}, ${created}.`)
  const text = carriedText(fitted.file, [...points, ...fitted.remarks])
  const environment = processEnvironment()
  const options = { path, isPrivate: true, componentSchemas, environment }
  // The app's environment file went away with the host that had it; it is named among what is still to be set.
  const config = parseConfig(text, { ...options, filesMayBeMissing: true })
  await writeNewFile(path, text)
  return [...merged.conflicts.map(conflict), ...fitted.findings, ...(await missingBeside(config))]
}

function conflict(name: string): Finding {
  return {
    level: 'warning',
    subject: `repository ${name}`,
    message: 'is described in different ways by the points of several apps; the newest counts',
    hint: 'Compare it with what holdfast init --from --at writes for each of them.',
  }
}
