import { z } from 'zod'
import { Failure } from '../core/failure.ts'
import { profileNamed, recipeNames } from './all.ts'
import type { Recipe } from './profile.ts'
import {
  declaredFit,
  elsewhere,
  page,
  secretPlace,
  type DeclaredFit,
  type KeySource,
  type Proof,
  type SecretPlace,
} from '../key-fit/schema.ts'

/** A recipe and where its things are. */
const recipeFit = z.strictObject({
  kind: z.literal('recipe'),
  recipe: z.enum(recipeNames),
  required: z.boolean().default(true),
  database: z.string().min(1).default('database'),
  /** Where the app itself can be asked. */
  url: page.optional(),
  keys: z.record(z.string(), secretPlace),
  /** Files that the data may name although they are in no component. */
  elsewhere: z.array(elsewhere).default([]),
})
export type RecipeFit = z.infer<typeof recipeFit>

/** What may be written in the configuration. */
export const keyFitSetting = z.discriminatedUnion('kind', [recipeFit, declaredFit])
export type KeyFitSetting = z.infer<typeof keyFitSetting>

/** The declaration that a setting stands for. Fails with `usage` when it gives another set of keys than the recipe has. */
export function declared(setting: KeyFitSetting): DeclaredFit {
  if (setting.kind === 'declared') return setting
  const recipe = profileNamed(setting.recipe)?.recipe
  if (recipe === undefined) throw new Failure('bug', `no recipe ${setting.recipe}`)
  requireKeys(recipe, setting)
  if (setting.url !== undefined && !recipe.fit.proofs.some(({ kind }) => kind === 'cookie'))
    throw new Failure('usage', `recipe ${setting.recipe} asks no running app and takes no url`)
  return placed(recipe, setting)
}

function requireKeys(recipe: Recipe, { recipe: recipeName, keys }: RecipeFit): void {
  const needed = Object.keys(recipe.keys).filter((name) => !recipe.optional.includes(name))
  const lacking = needed.find((name) => keys[name] === undefined)
  const unknown = Object.keys(keys).find((name) => recipe.keys[name] === undefined)
  if (lacking === undefined && unknown === undefined) return
  const what = lacking === undefined ? `knows no key ${unknown ?? ''}` : `needs key ${lacking}`
  const known = Object.entries(recipe.keys).map(([name, meaning]) => `${name} (${meaning})`)
  throw new Failure('usage', `recipe ${recipeName} ${what}`, { hint: `Its keys are ${known.join(', ')}.` })
}

function placed(
  recipe: Recipe,
  { recipe: recipeName, required, database, keys, url, elsewhere: kept }: RecipeFit,
): DeclaredFit {
  const whole = declaredFit.parse({ kind: 'declared', name: recipeName, required, elsewhere: kept, ...recipe.fit })
  const given = Object.entries(whole.keys).flatMap(([key, source]): [string, KeySource][] => {
    if (source.kind === 'ring') return [[key, { ...source, rows: { ...source.rows, component: database } }]]
    if (source.kind === 'derived') return [[key, source]]
    const place = keys[key]
    return place === undefined ? [] : [[key, { ...source, ...exact(place) }]]
  })
  const left = new Set(given.map(([key]) => key))
  const proofs = whole.proofs
    .filter((proof) => isGiven(proof, left))
    .flatMap((proof) => (proof.kind === 'cookie' ? asking(proof, url) : [inDatabase(proof, database)]))
  return { ...whole, keys: Object.fromEntries(given), proofs }
}

function exact({ component, secret, variable }: SecretPlace): SecretPlace {
  return { component, secret, ...(variable === undefined ? {} : { variable }) }
}

function isGiven(proof: Proof, keys: ReadonlySet<string>): boolean {
  if (proof.kind === 'stable') return true
  if (proof.kind === 'files') return proof.key === undefined || keys.has(proof.key)
  if (proof.kind === 'pair')
    return [proof.private.key, proof.public.key].every((key) => key === undefined || keys.has(key))
  return keys.has(proof.key) && (proof.kind !== 'certificate' || keys.has(proof.certificate))
}

/** Of the page a recipe says the path only. */
function asking(proof: Extract<Proof, { kind: 'cookie' }>, url: string | undefined): readonly Proof[] {
  if (url === undefined) return []
  return [{ ...proof, page: `${url.replace(/\/+$/, '')}${new URL(proof.page).pathname}` }]
}

function inDatabase(proof: Proof, database: string): Proof {
  if (proof.kind === 'live' || proof.kind === 'cookie') return proof
  if (proof.kind !== 'certificate') return { ...proof, rows: { ...proof.rows, component: database } }
  const { issued, ...rest } = proof
  return issued === undefined ? rest : { ...rest, issued: { ...issued, rows: { ...issued.rows, component: database } } }
}
