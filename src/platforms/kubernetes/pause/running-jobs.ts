import { z } from 'zod'
import { parsed, type KubernetesClient } from '../client.ts'
import { owners } from '../place/pod.ts'
import { jobsIn } from '../resources.ts'
import { anyObject } from './shapes.ts'

const jobShape = z.object({
  metadata: z.object({ name: z.string(), ownerReferences: owners }),
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).nullish() }).prefault({}),
})

/** The names of the jobs of a CronJob that have not ended. */
export async function runningJobs(
  cronJob: unknown,
  { client, namespace }: { readonly client: KubernetesClient; readonly namespace: string },
): Promise<readonly string[]> {
  const { uid } = anyObject.parse(cronJob).metadata
  const jobs = (await client.list(jobsIn(namespace), '')).map((job) => parsed(jobShape, job, 'list jobs'))
  const ofIt = jobs.filter(({ metadata }) => (metadata.ownerReferences ?? []).some((owner) => owner.uid === uid))
  return ofIt.filter((job) => !hasEnded(job)).map(({ metadata }) => metadata.name)
}

/** One that is suspended runs nothing. */
export function hasEnded(job: unknown): boolean {
  const { status } = parsed(jobShape, job, 'read a job')
  return (status.conditions ?? []).some(
    ({ type, status: is }) => is === 'True' && /^(Complete|Failed|Suspended)$/.test(type),
  )
}
