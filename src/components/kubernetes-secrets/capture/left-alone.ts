import { managerOf } from './managed.ts'
import type { LiveObject } from '../object.ts'
import type { KubernetesSecretsSettings } from '../schema.ts'

/** Who writes an object that a restore therefore only compares. One that is gone is made: who writes it takes it up. */
export function leftAlone({ managed }: KubernetesSecretsSettings, live: LiveObject | undefined): string | undefined {
  return managed === 'overwrite' || live === undefined ? undefined : managerOf(live)
}
