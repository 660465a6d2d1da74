import { managerOf } from './managed.ts'
import type { LiveObject } from './object.ts'
import type { CapturedObject, KubernetesSecretsSettings } from './schema.ts'

/** Who writes an object that a restore therefore only compares. One that is gone had the writer of the capture. */
export function leftAlone(
  { managed }: KubernetesSecretsSettings,
  captured: CapturedObject | undefined,
  live: LiveObject | undefined,
): string | undefined {
  if (managed === 'overwrite') return undefined
  return live === undefined ? (captured?.managedBy ?? undefined) : managerOf(live)
}
