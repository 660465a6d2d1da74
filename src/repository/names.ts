import { isPointId } from '../core/restore-point.ts'
import { proofKinds, type ProofKind } from './documents/documents.ts'

/** Where the blobs of a repository are: docs/reference/format.md section 1. */
export const HOLDFAST = 'holdfast.json'
export const POINTS = 'points/'
export const REMOVED = 'removed/'
export const PROOFS = 'proofs/'
export const DATA = 'data/'
export const IDENTITIES = 'identities/'

export const commitName = (point: string): string => `${POINTS}${point}.json`
export const tombstoneName = (point: string): string => `${REMOVED}${point}.json`
export const dataPrefix = (point: string): string => `${DATA}${point}/`
export const proofPrefix = (point: string): string => `${PROOFS}${point}/`
export const manifestName = (point: string): string => `${dataPrefix(point)}manifest`
export const keysPrefix = (point: string): string => `${dataPrefix(point)}keys-`
export const keysName = (point: string, generation: number): string => `${keysPrefix(point)}${generation}`
export const keysSumName = (point: string, generation: number): string => `${keysName(point, generation)}.sha256`
export const LEASES = 'leases/'
export const leasePrefix = (scope: string): string => `${LEASES}${scope}/`
export const leaseName = (scope: string, generation: number): string =>
  `${leasePrefix(scope)}${String(generation).padStart(10, '0')}.json`
export const identityName = (name: string, revision: number): string => `${IDENTITIES}${name}.${revision}.json`

/** Number 0 is the manifest. */
export function artifactName(point: string, number: number): string {
  return number === 0 ? manifestName(point) : `${dataPrefix(point)}${String(number).padStart(6, '0')}`
}

/** `20261122T020000000Z`: sorts by time and needs no escaping anywhere. */
export function proofName(point: string, created: Date, kind: ProofKind): string {
  return `${proofPrefix(point)}${created.toISOString().replaceAll(/[-:.]/g, '')}-${kind}.json`
}

/** The point of `points/<point>.json` or `removed/<point>.json`; undefined for a name that does not belong there. */
export function pointOfDocument(name: string): string | undefined {
  const id = /^(?:points|removed)\/([^/]+)\.json$/.exec(name)?.[1]
  return id !== undefined && isPointId(id) ? id : undefined
}

export interface ProofPlace {
  readonly point: string
  readonly kind: ProofKind
  /** As the name says, which nobody signed: only good for proofs that cannot be read. */
  readonly claimed: Date
}

export function parseProofName(name: string): ProofPlace | undefined {
  const match = /^proofs\/([0-9a-f]{32})\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-([a-z]+)\.json$/.exec(name)
  const kind = proofKinds.find((candidate) => candidate === match?.[9])
  const point = match?.[1]
  if (match === null || kind === undefined || point === undefined) return undefined
  const [, , year, month, day, hour, minute, second, milliseconds] = match
  return { point, kind, claimed: new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`) }
}

/** The point and the rest of a name under `data/`. */
export function parseDataName(name: string): { readonly point: string; readonly rest: string } | undefined {
  const match = /^data\/([0-9a-f]{32})\/(.+)$/.exec(name)
  return match?.[1] === undefined || match[2] === undefined ? undefined : { point: match[1], rest: match[2] }
}

/** A positive decimal number without leading zeros at the end of a name, after `prefix`. */
export function generationOf(name: string, prefix: string): number | undefined {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : ''
  return /^[1-9]\d{0,9}$/.test(digits) ? Number(digits) : undefined
}

export function leaseGenerationOf(name: string, scope: string): number | undefined {
  const digits = name.startsWith(leasePrefix(scope)) ? name.slice(leasePrefix(scope).length) : ''
  return /^\d{10}\.json$/.test(digits) ? Number(digits.slice(0, 10)) : undefined
}

export function parseIdentityName(name: string): { readonly name: string; readonly revision: number } | undefined {
  const match = /^identities\/([a-z0-9][a-z0-9-]{0,62})\.([1-9]\d{0,9})\.json$/.exec(name)
  return match?.[1] === undefined ? undefined : { name: match[1], revision: Number(match[2]) }
}

export function isPlainName(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)
}
