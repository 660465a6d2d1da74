import { authentik } from './authentik.ts'
import { certctl } from './certctl.ts'
import type { Recipe } from './recipe.ts'
import { zitadel } from './zitadel.ts'

/** Every recipe. Adding one is a file and a line here. */
export const recipes: readonly Recipe[] = [zitadel, certctl, authentik]
