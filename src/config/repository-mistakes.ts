import { z } from 'zod'
import { spellFound } from './found.ts'
import type { Path, Problem } from './problems.ts'

const anyRepository = z
  .looseObject({ url: z.string().optional().catch(undefined), endpoint: z.unknown().optional() })
  .catch({})
type AnyRepository = z.infer<typeof anyRepository>

const s3Keys = ['endpoint', 'region', 'accessKey', 'secretKey', 'pathStyle', 'ca', 'insecureTls'] as const

/** What is wrong with the places that repositories are said to be. */
export function repositoryMistakes(repositories: Readonly<Record<string, unknown>>): Problem[] {
  const places = new Map<string, string>()
  return Object.entries(repositories).flatMap(([name, value]) => {
    const repository = anyRepository.parse(value)
    const path = ['repositories', name]
    return [
      ...urlMistakes(repository.url, [...path, 'url']),
      ...keyMistakes(repository, path),
      ...placeMistakes(repository, name, places),
    ]
  })
}

function urlMistakes(text: string | undefined, path: Path): Problem[] {
  if (text === undefined || text === '') return []
  const expectation = urlExpectation(text)
  return expectation === undefined ? [] : [{ path, at: 'value', message: `found ${spellFound(text)}; ${expectation}` }]
}

/** What the text should have been; undefined when it is right. */
function urlExpectation(text: string): string | undefined {
  if (text.startsWith('/')) return `did you mean "file://${text}"?`
  const url = URL.parse(text)
  if (url === null || !['file:', 's3:'].includes(url.protocol)) return 'expected file:///folder or s3://bucket/prefix'
  if (url.username !== '' || url.password !== '')
    return 'expected no credentials; write them under accessKey and secretKey as references'
  if (url.search !== '' || url.hash !== '') return 'expected nothing after the path'
  if (url.protocol === 's3:')
    return /^[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}$/.test(url.host) ? undefined : 'expected s3:// and the name of a bucket'
  return url.host === '' && url.pathname.length > 1 ? undefined : 'expected file:// and an absolute folder'
}

function keyMistakes(repository: AnyRepository, path: Path): Problem[] {
  if (repository.url?.startsWith('file:') === true) {
    const strange = s3Keys.filter((key) => repository[key] !== undefined)
    return strange.map((key) => ({
      path: [...path, key],
      at: 'name',
      message: 'only repositories with an s3 URL have this',
    }))
  }
  const [accessKey, secretKey] = [repository['accessKey'], repository['secretKey']]
  if ((accessKey === undefined) === (secretKey === undefined)) return []
  const present = accessKey === undefined ? 'secretKey' : 'accessKey'
  return [{ path: [...path, present], at: 'name', message: 'accessKey and secretKey are given together or not at all' }]
}

/** Two names for one place would count one copy of the data as two. */
function placeMistakes({ url, endpoint }: AnyRepository, name: string, places: Map<string, string>): Problem[] {
  if (url === undefined) return []
  const place = `${typeof endpoint === 'string' ? endpoint : ''} ${url.replace(/\/+$/, '')}`
  const other = places.get(place)
  places.set(place, name)
  return other === undefined
    ? []
    : [{ path: ['repositories', name, 'url'], at: 'value', message: `is the same place as repository ${other}` }]
}
