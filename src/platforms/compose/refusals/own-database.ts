import { Failure } from '../../../core/failure.ts'
import type { ComposeReach, ComposeSettings } from '../schema.ts'

/** Fails where the services that are stopped include one that a component's server runs in. */
export function refuseOwnDatabase(
  { project, services }: Pick<ComposeSettings, 'project' | 'services'>,
  reaches: readonly Pick<ComposeReach, 'service' | 'holds'>[],
): void {
  // Who writes to a folder is stopped while it is restored.
  const both = reaches.find(({ service, holds }) => holds === undefined && services.includes(service))
  if (both === undefined) return
  throw new Failure('usage', `service ${both.service} of project ${project} holds data and would be stopped`, {
    hint: `Remove ${both.service} from services of the platform: only what writes to the data is stopped.`,
  })
}
