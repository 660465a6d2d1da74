import { createHash } from 'node:crypto'
import type { KubernetesSecretsSettings } from '../schema.ts'

/** On everything that a restore keeps on the server, with the id of the restore. */
export const OWN_LABEL = 'holdfast-restore'
/** So many restores can be retained for undo at once. */
export const SLOTS = 3
/** So many objects hold the values of one restore, of a mebibyte each at most. */
export const PARTS = 4
/** Under the server's limit of 1 MiB for the values of one Secret. */
export const PART_BYTES = 1_000_000

const bundles = ['restored', 'previous'] as const
export type BundleName = (typeof bundles)[number]

/**
 * What a restore keeps has names that are known before: only so can a role be limited to them. RBAC knows no prefixes,
 * and the right to list Secrets is the right to read all of them. Each selection has names of its own.
 */
export function recordName(settings: KubernetesSecretsSettings, slot: number): string {
  const { secrets, secretSelector, configMaps, configMapSelector } = settings
  const selection = JSON.stringify([secrets.toSorted(), secretSelector, configMaps.toSorted(), configMapSelector])
  return `holdfast-${createHash('sha256').update(selection).digest('hex').slice(0, 8)}-${slot}`
}

export function partName(record: string, bundle: BundleName, part: number): string {
  return `${record}-${bundle}-${part}`
}

/** Every name that a restore of these settings may use for what it keeps. */
export function ownNames(settings: KubernetesSecretsSettings): readonly string[] {
  const records = Array.from({ length: SLOTS }, (_, slot) => recordName(settings, slot))
  const parts = Array.from({ length: PARTS }, (_, part) => part)
  return records.flatMap((record) => [
    record,
    ...bundles.flatMap((bundle) => parts.map((part) => partName(record, bundle, part))),
  ])
}
