import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'
import { anyNames } from '../../any-names.ts'
import { parseAnswer } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import { secretValue } from './entry.ts'
import type { Entry1, Entry2, Value, Version } from './entry.ts'
import { encodePath } from './kv-paths.ts'
import { reasonFor } from '../capture/not-readable.ts'

const versionInfo = z.object({ created_time: z.string(), deletion_time: z.string(), destroyed: z.boolean() })

/** Metadata of a version 2 secret as the server words it. */
export const secretInfo = z.object({
  created_time: z.string(),
  updated_time: z.string(),
  current_version: z.number().int(),
  max_versions: z.number().int(),
  cas_required: z.boolean(),
  delete_version_after: z.string(),
  metadata_cas_required: z.boolean().optional(),
  current_metadata_version: z.number().int().optional(),
  custom_metadata: anyNames(z.string()).nullable().optional(),
  versions: z.record(z.string(), versionInfo),
})
export type SecretInfo = z.infer<typeof secretInfo>

const infoBody = z.object({ data: secretInfo })
export const versionBody = z.object({ data: z.object({ data: secretValue.nullable(), metadata: versionInfo }) })
const plainBody = z.object({ data: secretValue })

/** A version 2 secret as read, with the numbers of versions that the server cannot give. They are in no artifact. */
export type ReadEntry2 = Entry2 & { readonly unreadable?: readonly number[] }

/** A secret that changes is read again so many times. */
const ATTEMPTS = 10

export async function readInfo(mount: string, path: string, client: Client): Promise<SecretInfo | undefined> {
  const answer = await client.call({ path: `${encodePath(mount)}/metadata/${encodePath(path)}`, accept: [404] })
  return answer.status === 404 ? undefined : parseAnswer(answer, infoBody, `metadata of ${mount}/${path}`).data
}

/** Reads a version 2 secret as it was at one moment. Undefined when it is not there. */
export async function readStable(mount: string, path: string, client: Client): Promise<ReadEntry2 | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = await readInfo(mount, path, client)
    if (before === undefined) return undefined
    const entry = await readVersions(mount, path, before, client)
    if (entry !== undefined) return entry
  }
  throw new Failure('locked', `openbao: secret ${mount}/${path} changes faster than it can be read`, {
    hint: 'Find what writes to it all the time, or run the backup when it rests.',
  })
}

/**
 * Reads what this metadata promises. Every version comes with its own times, and they must be those that are promised: then
 * this is the secret as it was when its metadata was read. Undefined when a version is no longer there, or another.
 */
export async function readVersions(
  mount: string,
  path: string,
  info: SecretInfo,
  client: Client,
): Promise<ReadEntry2 | undefined> {
  const versions: Version[] = []
  const unreadable: number[] = []
  const numbered = Object.entries(info.versions).map(([number, facts]) => ({ version: Number(number), ...facts }))
  for (const facts of numbered.toSorted((a, b) => a.version - b.version)) {
    const read = await readVersion(mount, path, facts, client)
    if (read === undefined) return undefined
    if (read === 'unreadable') unreadable.push(facts.version)
    else versions.push(read)
  }
  return {
    kv: 2,
    mount,
    path,
    metadata: {
      maxVersions: info.max_versions,
      casRequired: info.cas_required,
      deleteVersionAfter: info.delete_version_after,
      custom: info.custom_metadata ?? null,
      ...(info.metadata_cas_required === true ? { metadataCasRequired: true } : {}),
    },
    created: info.created_time,
    updated: info.updated_time,
    current: info.current_version,
    versions,
    ...(unreadable.length === 0 ? {} : { unreadable }),
  }
}

type VersionInfo = z.infer<typeof versionInfo>
type NumberedInfo = VersionInfo & { readonly version: number }

async function readVersion(
  mount: string,
  path: string,
  facts: NumberedInfo,
  client: Client,
): Promise<Version | 'unreadable' | undefined> {
  const { version, created_time: created, deletion_time: deletion, destroyed } = facts
  if (destroyed) return { version, state: 'destroyed', created }
  const call = { path: `${encodePath(mount)}/data/${encodePath(path)}?version=${version}`, accept: [404] }
  const answer = await client.call(call).catch(async (error: unknown) => {
    if ((await reasonFor(error, client)) === 'the server cannot') return 'unreadable' as const
    throw error
  })
  if (answer === 'unreadable') return answer
  if (answer.status === 200) {
    const { data, metadata } = parseAnswer(answer, versionBody, `version ${version} of ${mount}/${path}`).data
    if (data === null || !isSameVersion(metadata, facts)) return undefined
    return { version, state: 'live', created, ...(deletion === '' ? {} : { expires: deletion }), data }
  }
  // A time of deletion that lies ahead is a scheduled expiry. Whether it has come only the server's clock says: with its 404.
  const gone = versionBody.safeParse(answer.body)
  if (deletion === '' || !gone.success || !isSameVersion(gone.data.data.metadata, facts)) return undefined
  return { version, state: 'deleted', created, deleted: deletion }
}

/** Whether an answer is about the version of which the metadata told: not deleted, undeleted or made anew since. */
function isSameVersion(answered: VersionInfo, promised: VersionInfo): boolean {
  return (
    answered.created_time === promised.created_time &&
    answered.deletion_time === promised.deletion_time &&
    answered.destroyed === promised.destroyed
  )
}

export async function readPlain(mount: string, path: string, client: Client): Promise<Entry1 | undefined> {
  const answer = await client.call({ path: `${encodePath(mount)}/${encodePath(path)}`, accept: [404] })
  if (answer.status === 404) return undefined
  const { data }: { data: Value } = parseAnswer(answer, plainBody, `${mount}/${path}`)
  return { kv: 1, mount, path, data }
}

/** Deleting and destroying versions does not move `updated_time`, so everything is compared. */
export function isSameInfo(a: SecretInfo, b: SecretInfo): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
