import { authentik } from './authentik/authentik.ts'
import { certctl } from './certctl/certctl.ts'
import { generic } from './generic/generic.ts'
import { kleidia } from './kleidia/kleidia.ts'
import type { Profile } from './profile.ts'
import { zitadel } from './zitadel/zitadel.ts'

/** Every application that is known. Adding one is a folder and a line here. */
export const profiles: readonly Profile[] = [zitadel, certctl, authentik, kleidia, generic]

export const profileNames: readonly string[] = profiles.map(({ name }) => name)

/** Those whose keys can be proven. */
export const recipeNames: readonly string[] = profiles.flatMap(({ name, recipe }) =>
  recipe === undefined ? [] : [name],
)

/** Those that have a template for a host. */
export const templateNames: readonly string[] = profiles.flatMap(({ name, template }) =>
  template === undefined ? [] : [name],
)

export function profileNamed(name: string): Profile | undefined {
  return profiles.find((profile) => profile.name === name)
}
