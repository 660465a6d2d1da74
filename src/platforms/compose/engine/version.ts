import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'

/** The newest version whose answers were tried, and the oldest that has all we use: Docker 19.03, Podman 4. */
const NEWEST = '1.44'
const OLDEST = '1.40'
const version = z.string().regex(/^\d+\.\d+$/)
const answer = z.object({ ApiVersion: version, MinAPIVersion: version.optional(), Version: z.string().optional() })

/** The version of the API to speak with an engine that said this of itself. */
export function versionFor(body: unknown, act: string): string {
  const said = answer.safeParse(body)
  if (!said.success)
    throw new Failure('unsupported', `container engine: to ${act} was answered in another shape`, {
      hint: 'Check that the address is that of a container engine.',
    })
  const { ApiVersion: newest, MinAPIVersion: oldest = OLDEST, Version: release = 'of an unknown release' } = said.data
  if (isBelow(newest, OLDEST))
    throw new Failure('unsupported', `the container engine ${release} has API ${newest}, and ${OLDEST} is needed`, {
      hint: 'Update the engine: Docker 19.03 and Podman 4 have it.',
    })
  // What is used here is old. An engine that has left it behind is spoken to in its oldest version.
  const ours = isBelow(newest, NEWEST) ? newest : NEWEST
  return isBelow(ours, oldest) ? oldest : ours
}

function isBelow(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split('.').map(Number)
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number)
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}
