import picomatch from 'picomatch'
import { joined, ROOT, textOf, type RawPath } from '../tree/names.ts'

/** Which entries of a folder are captured. */
export interface Selection {
  /** Neither it nor anything in it is captured. */
  excludes(path: RawPath): boolean
  /** It is captured, unless it is excluded. A folder that is not may still hold something that is. */
  includes(path: RawPath): boolean
}

/** Where an in-place restore keeps its own things, inside the folder that it restores. */
const ownFolder = /^\.holdfast-r-[0-9a-f]{8}$/

/** Patterns are matched against names as text; a byte that is not UTF-8 is U+FFFD there. */
export function selectionOf(settings: {
  readonly include?: readonly string[] | undefined
  readonly exclude: readonly string[]
}): Selection {
  const excluded = matcherOf(settings.exclude)
  const included = settings.include === undefined ? () => true : matcherOf(settings.include)
  return {
    excludes: (path) => isOwn(path) || excluded(textOf(path)),
    includes: (path) => withAncestors(path).some((candidate) => included(textOf(candidate))),
  }
}

export function isOwn(path: RawPath): boolean {
  return ownFolder.test(path)
}

function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  const matchers = patterns.map(matcherOfOne)
  return (path) => matchers.some((matches) => matches(path))
}

/** A leading slash ties a pattern to the folder itself; otherwise one without a slash matches at any depth. */
function matcherOfOne(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/\/$/, '')
  if (plain.startsWith('/')) return picomatch(plain.slice(1), { dot: true })
  return picomatch(plain, { dot: true, basename: !plain.includes('/') })
}

function withAncestors(path: RawPath): RawPath[] {
  let above = ROOT
  return path.split('/').map((segment) => (above = joined(above, segment)))
}
