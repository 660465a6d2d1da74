import type { Profile, Recipe } from '../../../profiles/profile.ts'
import type { KeyNames } from '../../../profiles/shape.ts'
import type { Found, Undecided } from './draft.ts'

/** What the component with the keys is called. */
export const KEYS = 'keys'

/** Where a key is in a component, as `keyFit` names it; or why it is not captured. */
export type KeyPlace = { readonly secret: string } | { readonly why: string }

/** The component and the proof of its keys; without all of them there is none, and each that is lacking is named. */
export function withProof(
  { name, recipe, shape }: Profile,
  components: Found['components'],
  place: (names: KeyNames, key: string) => KeyPlace,
): Found {
  if (recipe === undefined) return { components }
  const places = Object.entries(shape.keys).map(([key, names]) => [key, place(names, key)] as const)
  const undecided = places.flatMap(([key, found]) => ('why' in found ? [lacking(key, found.why, recipe)] : []))
  const keys = places.flatMap(([key, found]) =>
    'why' in found ? [] : [[key, { component: KEYS, secret: found.secret }] as const],
  )
  if (undecided.length > 0) return { components, undecided }
  return { components, keyFit: [{ kind: 'recipe', recipe: name, keys: Object.fromEntries(keys) }] }
}

function lacking(key: string, why: string, { keys }: Recipe): Undecided {
  return {
    what: `the key ${key} (${keys[key] ?? key})`,
    why: `${why}. Restore points do not hold it, and without it the app may not read its data`,
  }
}
