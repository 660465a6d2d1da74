import { authentik } from './authentik/authentik.ts'
import { certctl } from './certctl/certctl.ts'
import type { Profile } from './profile.ts'
import { zitadel } from './zitadel/zitadel.ts'

/** Every application that is known. Adding one is a folder and a line here. */
export const profiles: readonly Profile[] = [zitadel, certctl, authentik]

export const profileNames: readonly string[] = profiles.map(({ name }) => name)
