import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { CarriedFile } from '../../config/carried/carried-configuration.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { InitFrom } from './init.ts'
import { storageKindOf } from '../../storage/all.ts'
import { secretReference } from '../../system/secret-reference.ts'

/** What a carried configuration has to become to work on this host. */
export interface Fitted {
  readonly file: CarriedFile
  /** Lines for the head of the file. */
  readonly remarks: readonly string[]
  readonly findings: readonly Finding[]
}

interface Host {
  /** What the repository at hand is called in the file. */
  readonly repositories: readonly string[]
  readonly from: InitFrom
  /** Whom the private key's owner trusts. */
  readonly signers: readonly string[]
  readonly identityFile?: string
}

const repositoriesOf = z.record(z.string(), z.record(z.string(), z.unknown()))

/**
 * The repository is where it was found, and the keys are those that are here. A key that is not here would stop every command:
 * its line becomes a remark.
 */
export async function fitToHost(carried: CarriedFile, host: Host): Promise<Fitted> {
  const { signingKey, identity, ...rest } = carried
  const keeps = await isHere(signingKey)
  const identityHere = host.identityFile === undefined ? await isHere(identity) : true
  const moved = moveRepositories(repositoriesOf.parse(carried['repositories']), host)
  return {
    file: {
      version: 1,
      ...(keeps ? { signingKey } : {}),
      ...(identityHere ? { identity: host.identityFile === undefined ? identity : `file:${host.identityFile}` } : {}),
      ...rest,
      ...(z.array(z.string()).min(1).safeParse(rest['signers']).success ? {} : { signers: host.signers }),
      repositories: moved.repositories,
    },
    remarks: [
      ...(keeps || signingKey === undefined ? [] : [`signingKey: ${JSON.stringify(signingKey)}`]),
      ...(identityHere || identity === undefined ? [] : [`identity: ${JSON.stringify(identity)}`]),
    ],
    findings: [...(keeps ? [] : [unsigned(signingKey)]), ...moved.findings],
  }
}

async function isHere(reference: unknown): Promise<boolean> {
  const parsed = secretReference.safeParse(reference)
  if (!parsed.success) return false
  return await parsed.data.resolve().then(
    () => true,
    () => false,
  )
}

function unsigned(signingKey: unknown): Finding {
  return {
    level: 'warning',
    subject: 'signing key',
    message: `${typeof signingKey === 'string' ? `${signingKey} is not on this host` : 'there is none'}, so that this host can restore and not back up`,
    hint: 'Put the old key back, or let holdfast init make one. Then write the line signingKey into the configuration again.',
  }
}

function moveRepositories(
  repositories: z.infer<typeof repositoriesOf>,
  { repositories: names, from: { at: _at, ...place } }: Host,
): { readonly repositories: z.infer<typeof repositoriesOf>; readonly findings: readonly Finding[] } {
  const entries = Object.entries(repositories).map(([name, one]) => [
    name,
    names.includes(name) ? { ...withoutOtherKind(one, place.url), ...place } : one,
  ])
  const changed = names.filter((name) => !isDeepStrictEqual({ ...repositories[name], ...place }, repositories[name]))
  return { repositories: Object.fromEntries(entries), findings: changed.map((name) => movedFinding(name, place.url)) }
}

/** A copy may be in storage of another kind, for example a bucket that was copied to a folder: the settings of the old kind end. */
function withoutOtherKind(one: Readonly<Record<string, unknown>>, url: string): Readonly<Record<string, unknown>> {
  const kind = storageKindOf(one['url'])
  if (kind === undefined || kind === storageKindOf(url)) return one
  return Object.fromEntries(Object.entries(one).filter(([key]) => !(key in kind.settings)))
}

function movedFinding(name: string, url: string): Finding {
  return {
    level: 'warning',
    subject: `repository ${name}`,
    message: `was at another place when the point was made; it is at ${url} in the file`,
  }
}
