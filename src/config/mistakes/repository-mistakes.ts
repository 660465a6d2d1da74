import { z } from 'zod'
import { storageKindOf, storageKinds } from '../../storage/all.ts'
import type { StorageKind } from '../../storage/kind.ts'
import { spellFound } from './found.ts'
import type { Path, Problem } from './problems.ts'
import { isOfOthers, urlExamples } from '../repository-schema.ts'

const anyRepository = z.looseObject({ url: z.string().optional().catch(undefined) }).catch({})
type AnyRepository = z.infer<typeof anyRepository>

/** What is wrong with the places that repositories are said to be. */
export function repositoryMistakes(repositories: Readonly<Record<string, unknown>>): Problem[] {
  const places = new Map<string, string>()
  return Object.entries(repositories).flatMap(([name, value]) => {
    const repository = anyRepository.parse(value)
    const kind = storageKindOf(repository.url)
    const path = ['repositories', name]
    return [
      ...urlMistakes(repository.url, kind, [...path, 'url']),
      ...keyMistakes(repository, kind, path),
      ...placeMistakes(repository, name, places),
    ]
  })
}

function urlMistakes(text: string | undefined, kind: StorageKind | undefined, path: Path): Problem[] {
  if (text === undefined || text === '') return []
  const expectation = urlExpectation(text, kind)
  return expectation === undefined ? [] : [{ path, at: 'value', message: `found ${spellFound(text)}; ${expectation}` }]
}

/** What the text should have been; undefined when it is right. */
function urlExpectation(text: string, kind: StorageKind | undefined): string | undefined {
  if (text.startsWith('/')) return `did you mean "file://${text}"?`
  const url = URL.parse(text)
  if (url === null || kind === undefined) return `expected ${urlExamples}`
  if (url.search !== '' || url.hash !== '') return 'expected nothing after the path'
  const expected = kind.expectedUrl(url)
  return expected === undefined ? undefined : `expected ${expected}`
}

function keyMistakes(repository: AnyRepository, kind: StorageKind | undefined, path: Path): Problem[] {
  const strange = Object.keys(repository)
    .filter((key) => isOfOthers(key, kind))
    .map((setting) => ({ setting, message: `only repositories ${spellKinds(setting)} have this` }))
  const mistakes = (kind === undefined ? storageKinds : [kind]).flatMap((each) => each.mistakes(repository))
  return [...strange, ...mistakes].map(({ setting, message }) => ({ path: [...path, setting], at: 'name', message }))
}

/** `at s3://…`: the kinds of storage that have the setting. */
function spellKinds(setting: string): string {
  const kinds = storageKinds.filter(({ settings }) => setting in settings)
  return `at ${kinds.map(({ protocol }) => `${protocol}//…`).join(' or ')}`
}

/** Two names for one place would count one copy of the data as two. */
function placeMistakes(repository: AnyRepository, name: string, places: Map<string, string>): Problem[] {
  const { url } = repository
  if (url === undefined) return []
  const settings = storageKinds.flatMap(({ placedBy }) => placedBy.map((setting) => repository[setting]))
  const place = JSON.stringify([url.replace(/\/+$/, ''), ...settings])
  const other = places.get(place)
  places.set(place, name)
  return other === undefined
    ? []
    : [{ path: ['repositories', name, 'url'], at: 'value', message: `is the same place as repository ${other}` }]
}
