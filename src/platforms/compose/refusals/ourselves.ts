import { readFile } from 'node:fs/promises'
import { Failure } from '../../../core/failure.ts'
import type { ServiceContainer } from '../labels.ts'

/** Fails where this program runs in one of the containers: who stops itself starts nobody again. */
export async function refuseOurselves(containers: readonly ServiceContainer[]): Promise<void> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const ours = containers.find(({ id }) => isMountedFrom(mounts, id))
  if (ours === undefined) return
  throw new Failure('usage', `Holdfast itself runs in container ${ours.name}, which would be stopped`, {
    hint: `Remove ${ours.service} from services of the platform, or run Holdfast elsewhere.`,
  })
}

/** An engine mounts files that it keeps for this container, such as `/etc/hostname`, from a folder of its id. */
export function isMountedFrom(mounts: string, id: string): boolean {
  return mounts.split('\n').some((line) => {
    const [, , , root = '', point] = line.split(' ')
    return point === '/etc/hostname' && root.split('/').includes(id)
  })
}
