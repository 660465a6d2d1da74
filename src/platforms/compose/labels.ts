import type { ListedContainer } from './engine/containers.ts'

/** What `docker compose` (and podman-compose) write to each container. */
export const PROJECT = 'com.docker.compose.project'
const SERVICE = 'com.docker.compose.service'
const NUMBER = 'com.docker.compose.container-number'
const ONE_OFF = 'com.docker.compose.oneoff'
const DEPENDS_ON = 'com.docker.compose.depends_on'

/** A container as its project knows it. */
export interface ServiceContainer extends ListedContainer {
  readonly service: string
  /**
   * `<service>-<number>`, as the logs of compose name it. It lasts when the container is made anew, and says which containers
   * of a scaled service ran.
   */
  readonly workload: string
  /** Made by `docker compose run`, beside those of the service. */
  readonly isOneOff: boolean
  readonly dependsOn: readonly string[]
}

/** Undefined for what has no service. */
export function serviceContainer(container: ListedContainer): ServiceContainer | undefined {
  const { labels } = container
  const service = labels[SERVICE]
  if (service === undefined) return undefined
  const dependsOn = (labels[DEPENDS_ON] ?? '').split(',').map((each) => each.split(':')[0] ?? '')
  return {
    ...container,
    service,
    workload: `${service}-${labels[NUMBER] ?? '1'}`,
    isOneOff: labels[ONE_OFF]?.toLowerCase() === 'true',
    dependsOn: dependsOn.filter((name) => name !== ''),
  }
}

/** The service of a workload. */
export function serviceOf(workload: string): string {
  return workload.replace(/-\d+$/, '')
}
