import type { z } from 'zod'
import { nearestWord } from '../../core/texts/nearest-word.ts'
import { allowedKeys } from './allowed-keys.ts'
import { spellFound, spellFoundKind } from './found.ts'
import type { Problem } from './problems.ts'
import { valueAt } from './value-at.ts'

type Issue = z.core.$ZodIssue

/** What zod found wrong, in the words of this file: what was found, what is allowed, and the nearest valid word. */
export function issueProblems(
  issues: readonly Issue[],
  value: unknown,
  schema: z.core.JSONSchema.JSONSchema,
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const meant = meantBranch(issue, valueAt(value, issue.path))
    if (meant !== undefined) return issueProblems(meant, value, schema)
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue, allowedKeys(schema, value, issue.path))
    return [{ path: issue.path, at: 'value', message: messageFor(issue, valueAt(value, issue.path)) }]
  })
}

/** Where a word or a map may stand, and a map does, what is wrong in the map. */
function meantBranch(issue: Issue, found: unknown): readonly Issue[] | undefined {
  if (issue.code !== 'invalid_union' || typeof found !== 'object' || found === null) return undefined
  const isOfMap = (inner: Issue): boolean =>
    !['invalid_type', 'invalid_value'].includes(inner.code) || inner.path.length > 0
  const branch = issue.errors.find((errors) => errors.length > 0 && errors.every(isOfMap))
  return branch?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, allowed: readonly string[]): Problem[] {
  return issue.keys.map((key) => ({
    path: [...issue.path, key],
    at: 'name',
    message: `unknown key; ${suggest(key, allowed)}`,
  }))
}

/** `did you mean "port"? allowed: host, port`. */
export function suggest(found: unknown, allowed: readonly string[]): string {
  const nearest = typeof found === 'string' ? nearestWord(found, allowed) : undefined
  return `${nearest === undefined ? '' : `did you mean "${nearest}"? `}allowed: ${allowed.length === 0 ? 'nothing' : allowed.join(', ')}`
}

function messageFor(issue: Issue, found: unknown): string {
  const expectation = expectationOf(issue, found)
  if (found === undefined) return `is missing; ${expectation}`
  // Where text is expected a secret may be, written so that YAML takes it for a number.
  const isTextExpected = issue.code === 'invalid_type' && issue.expected === 'string'
  return `found ${isTextExpected ? `${spellFoundKind(found)}${needsQuotes(found)}` : spellFound(found)}; ${expectation}`
}

function needsQuotes(found: unknown): string {
  return typeof found === 'number' || typeof found === 'boolean' ? ' without quotes' : ''
}

function expectationOf(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${spellType(issue.expected)}`
    case 'invalid_value':
      return suggest(found, issue.values.map(String))
    case 'invalid_union':
      return unionExpectation(issue, found)
    case 'too_small':
      return `expected ${spellBound('at least', issue.origin, Number(issue.minimum), issue.inclusive)}`
    case 'too_big':
      return `expected ${spellBound('at most', issue.origin, Number(issue.maximum), issue.inclusive)}`
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      break
  }
  // These carry the words of the schema itself.
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
}

function unionExpectation(issue: z.core.$ZodIssueInvalidUnion, found: unknown): string {
  if ('options' in issue && issue.options !== undefined) return suggest(found, issue.options.map(String))
  const types = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_type' ? [spellType(inner.expected)] : []))
  return types.length === 0 ? 'expected another value' : `expected ${[...new Set(types)].join(' or ')}`
}

function spellBound(bound: string, origin: string, limit: number, inclusive: boolean | undefined): string {
  if (inclusive === false) return `${bound === 'at least' ? 'more' : 'less'} than ${limit}`
  if (origin === 'string') return `${bound} ${limit} ${limit === 1 ? 'character' : 'characters'}`
  if (origin === 'array') return `${bound} ${limit} ${limit === 1 ? 'entry' : 'entries'}`
  return `${bound} ${limit}`
}

const types: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function spellType(type: string): string {
  return types[type] ?? type
}
