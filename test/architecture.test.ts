import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { parseSync } from 'oxc-parser'

/**
 * The layers and who may import whom. The test is the documentation: a folder that is not listed fails.
 */
const allowed: Record<string, readonly string[]> = {
  core: [],
  'key-fit': ['core'],
  // What is known of applications, as data.
  profiles: ['core', 'key-fit'],
  config: ['core', 'system', 'alarms', 'key-fit', 'profiles', 'storage', 'platforms'],
  // Telling people and machines how runs ended.
  alarms: ['core', 'system'],
  system: ['core'],
  storage: ['core', 'system'],
  repository: ['core', 'system', 'storage'],
  platforms: ['core', 'system'],
  components: ['core', 'system', 'platforms'],
  // What init and key changes do is an operation, and edits the configuration.
  operations: [
    'core',
    'config',
    'system',
    'alarms',
    'storage',
    'repository',
    'platforms',
    'components',
    'key-fit',
    'profiles',
  ],
  // Formats of other programs, each a room that can be taken out.
  interop: ['core', 'system', 'storage', 'repository', 'components', 'operations'],
  cli: ['core', 'config', 'operations', 'interop'],
  assemble: [
    'core',
    'alarms',
    'config',
    'system',
    'storage',
    'repository',
    'platforms',
    'components',
    'key-fit',
    'profiles',
    'operations',
  ],
}
/** The entry and the wiring may import everything; nothing imports them but main.ts. */
const roots = ['main.ts']
const MAXIMUM_LINES = 400
const MAXIMUM_FILES = 15

const source = join(import.meta.dirname, '..', 'src')
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.includes('/testing/')
const layerOf = (file: string): string => file.split('/')[0] ?? ''

export function importsOf(file: string, text: string): string[] {
  const { module } = parseSync(file, text)
  const fixed = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) =>
      entry.entries.flatMap((part) =>
        part.moduleRequest === null || part.moduleRequest === undefined ? [] : [part.moduleRequest.value],
      ),
    ),
  ]
  const dynamic = module.dynamicImports.map((entry) =>
    text.slice(entry.moduleRequest.start + 1, entry.moduleRequest.end - 1),
  )
  return [...fixed, ...dynamic]
}

/** What is wrong with one import, or undefined. */
export function violation(file: string, imported: string): string | undefined {
  const from = layerOf(file)
  if (roots.includes(file)) return undefined
  if (!imported.startsWith('.')) return from === 'core' ? `${file}: core imports ${imported}` : undefined
  const to = relative(source, join(source, dirname(file), imported))
  if (to.startsWith('..')) return `${file}: leaves src with ${imported}`
  if (roots.includes(to)) return `${file}: imports ${to}, which nothing may import`
  if (layerOf(to) === from || allowed[from]?.includes(layerOf(to)) === true) return undefined
  return `${file}: ${from} must not import ${to}`
}

test('every folder is a known layer', () => {
  const unknown = files.filter((file) => !roots.includes(file) && !(layerOf(file) in allowed))
  assert.deepEqual(unknown, [])
})

test('imports follow the arrows', () => {
  const violations = files
    .filter((file) => !isTest(file))
    .flatMap((file) =>
      importsOf(file, readFileSync(join(source, file), 'utf8')).map((imported) => violation(file, imported)),
    )
    .filter((found) => found !== undefined)
  assert.deepEqual(violations, [])
})

test('a forbidden import is found', () => {
  assert.match(violation('core/a.ts', 'node:fs') ?? '', /core imports node:fs/)
  assert.match(violation('storage/a.ts', '../repository/b.ts') ?? '', /storage must not import/)
  assert.match(violation('cli/a.ts', '../main.ts') ?? '', /nothing may import/)
  assert.deepEqual(
    importsOf('x.ts', "import type { A } from './a.ts'\nexport { b } from './b.ts'\nawait import('./c.ts')"),
    ['./a.ts', './b.ts', './c.ts'],
  )
})

/** Layers whose kinds are a folder each, which must not know each other. `value-swap` is no kind: all may use it. */
const kindFolders: Record<string, RegExp> = {
  components: /^components\/(?!value-swap\/|capabilities\/|testing\/)([\w-]+)\//,
  storage: /^storage\/(?!wrap\/|testing\/)([\w-]+)\//,
}

/** The import of a kind by another kind of its layer, or undefined. */
function kindViolation(file: string, imported: string): string | undefined {
  const kindOf = (path: string): string | undefined => kindFolders[layerOf(file)]?.exec(path)?.[1]
  const to = relative(source, join(source, dirname(file), imported))
  const [from, other] = [kindOf(file), kindOf(to)]
  if (!imported.startsWith('.') || from === undefined || other === undefined || from === other) return undefined
  return `${file}: the kind ${from} must not import ${to}`
}

test('a kind of component or storage imports nothing of other kinds', () => {
  const found = files
    .filter((file) => !isTest(file))
    .flatMap((file) =>
      importsOf(file, readFileSync(join(source, file), 'utf8')).map((imported) => kindViolation(file, imported)),
    )
    .filter((each) => each !== undefined)
  assert.deepEqual(found, [])
})

test('an import of another kind is found', () => {
  assert.match(kindViolation('components/files/a/b.ts', '../../secrets/c.ts') ?? '', /files must not import/)
  assert.match(kindViolation('storage/s3/a.ts', '../filesystem/b.ts') ?? '', /s3 must not import/)
  const fine = ['./b.ts', '../driver.ts', '../value-swap/a.ts', '../../core/ports.ts', 'zod']
  assert.deepEqual(
    fine.map((imported) => kindViolation('components/openbao/a.ts', imported)),
    fine.map(() => undefined),
  )
})

/** The profile of an app is data: it imports its own files and the forms that `profiles` has, so that it can do nothing. */
function profileViolation(file: string, imported: string): string | undefined {
  const own = /^profiles\/([\w-]+)\//.exec(file)?.[1]
  if (own === undefined) return undefined
  const to = relative(source, join(source, dirname(file), imported))
  const isForm = /^profiles\/(?:profile|shape|clues|template-parts)\.ts$/.test(to)
  if (imported.startsWith('.') && (isForm || to.startsWith(`profiles/${own}/`))) return undefined
  return `${file}: a profile is data and must not import ${imported}`
}

test('the profile of an app imports no code of operations, platforms or packages', () => {
  const found = files
    .filter((file) => !isTest(file))
    .flatMap((file) =>
      importsOf(file, readFileSync(join(source, file), 'utf8')).map((imported) => profileViolation(file, imported)),
    )
    .filter((each) => each !== undefined)
  assert.deepEqual(found, [])
})

test('a profile that does something is found', () => {
  for (const imported of ['node:fs', 'zod', '../../platforms/all.ts', '../all.ts', '../authentik/shape.ts'])
    assert.match(profileViolation('profiles/zitadel/a.ts', imported) ?? '', /a profile is data/)
  assert.equal(profileViolation('profiles/zitadel/a.ts', './key-fit.ts'), undefined)
  assert.equal(profileViolation('profiles/zitadel/a.ts', '../shape.ts'), undefined)
})

test('no import cycles', () => {
  const graph = new Map(files.filter((file) => !isTest(file)).map((file) => [file, targetsOf(file)]))
  assert.deepEqual(cyclesOf(graph), [])
})

test('a cycle is found', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['a']],
  ])
  assert.equal(cyclesOf(graph).length, 1)
})

test('what help loads holds no operation and nothing below one', () => {
  const layers = new Set([...loadedWith('main.ts')].map(layerOf))
  assert.deepEqual([...layers].toSorted(), ['cli', 'core', 'main.ts', 'system'])
})

/** A file, and all that is loaded before its first line runs. */
function loadedWith(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  for (const target of targetsOf(file)) loadedWith(target, loaded)
  return loaded
}

/** Type-only imports vanish at run time, so they cannot make a cycle that matters. */
function targetsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8')
  const { module } = parseSync(file, text)
  return module.staticImports
    .filter((entry) => entry.entries.length === 0 || entry.entries.some((part) => !part.isType))
    .map((entry) => entry.moduleRequest.value)
    .filter((imported) => imported.startsWith('.'))
    .map((imported) => relative(source, join(source, dirname(file), imported)))
}

function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}

test('no folder of the product holds more than 15 files', () => {
  const rooms = Map.groupBy(
    files.filter((file) => !isTest(file)),
    (file) => dirname(file),
  )
  const full = [...rooms]
    .filter(([, held]) => held.length > MAXIMUM_FILES)
    .map(([room, held]) => `${room}: ${held.length}`)
  assert.deepEqual(full, [])
})

test('no file is over 400 lines', () => {
  const long = files
    .map((file) => [file, readFileSync(join(source, file), 'utf8').split('\n').length] as const)
    .filter(([, lines]) => lines > MAXIMUM_LINES)
  assert.deepEqual(long, [])
})

test('clock, randomness, environment and processes stay in system', () => {
  const forbidden = /\bDate\.now\(|\bMath\.random\(|\bprocess\.env\b|node:child_process|session_replication_role/
  const found = files.filter(
    (file) =>
      !isTest(file) &&
      !roots.includes(file) &&
      !file.startsWith('system/') &&
      forbidden.test(readFileSync(join(source, file), 'utf8')),
  )
  assert.deepEqual(found, [])
})

test('names that say nothing are not used', () => {
  const banned = files.filter((file) =>
    /(^|[/-])(utils?|helpers?|manager|service|ctx|vault|misc|common)([.-]|$)/.test(file),
  )
  assert.deepEqual(banned, [])
})

interface Parsed {
  readonly text: string
  readonly module: ReturnType<typeof parseSync>['module']
  /** The words of the file without its comments. */
  readonly words: readonly string[]
}

function parsed(file: string, text: string): Parsed {
  const { module, comments } = parseSync(file, text)
  const code = comments.reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text)
  return { text, module, words: code.match(/[\w$]+/g) ?? [] }
}

/** What a file exports to run; types come along with what they describe. */
function exportedValues({ module }: Parsed): string[] {
  return module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ exportName: { name }, isType }) => (isType || name === null ? [] : [name])),
  )
}

/** What a file takes from others, as `file: name`; of what it imports whole or while running, all its words. */
function takenFrom(file: string, { text, module, words }: Parsed): string[] {
  const from = (imported: string, names: readonly string[]): string[] =>
    names.map((name) => `${join(dirname(file), imported)}: ${name}`)
  return [
    ...module.staticImports.flatMap(({ moduleRequest, entries }) =>
      entries.flatMap(({ importName: { name } }) => from(moduleRequest.value, name === null ? words : [name])),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) =>
      from(text.slice(start + 1, end - 1), words),
    ),
  ]
}

/** The exports that no other file imports, as `file: name`. */
function notImported(texts: ReadonlyMap<string, string>): string[] {
  return notTaken(texts, () => false)
}

/** The exports that neither another file imports nor their own uses, as `file: name`. */
function dead(texts: ReadonlyMap<string, string>): string[] {
  return notTaken(texts, (name, { words }) => words.indexOf(name) !== words.lastIndexOf(name))
}

function notTaken(texts: ReadonlyMap<string, string>, usesItself: (name: string, file: Parsed) => boolean): string[] {
  const files = [...texts].map(([file, text]) => [file, parsed(file, text)] as const)
  const taken = new Set(files.flatMap(([file, each]) => takenFrom(file, each)))
  return files.flatMap(([file, each]) =>
    exportedValues(each)
      .filter((name) => !taken.has(`${file}: ${name}`) && !usesItself(name, each))
      .map((name) => `${file}: ${name}`),
  )
}

function textsOf(...folders: readonly string[]): Map<string, string> {
  const all = folders.flatMap((folder) =>
    readdirSync(join(source, '..', folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  return new Map(
    all.filter((file) => file.endsWith('.ts')).map((file) => [file, readFileSync(join(source, '..', file), 'utf8')]),
  )
}

test('nothing is exported that only its own file uses', () => {
  const found = notImported(textsOf('src', 'test', 'scripts', 'bench'))
  assert.deepEqual(
    found.filter((each) => /^(src|test\/parts)\//.test(each)),
    [],
  )
})

test('nothing of the product is there for tests alone', () => {
  const product = [...textsOf('src', 'scripts', 'bench')].filter(([file]) => !isTest(file))
  assert.deepEqual(
    dead(new Map(product)).filter((each) => each.startsWith('src/')),
    [],
  )
})

test('an export that nobody uses is found', () => {
  const texts = new Map([
    ['a.ts', 'export const used = 1; export function unused() {}; export function own() {}; own()'],
    ['b.ts', "import { used } from './a.ts' // unused is not used here, nor in await import('./a.ts')"],
    ['c.ts', "export interface Shape {}; const { late } = await import('./d.ts')"],
    ['d.ts', 'export const late = 1; export const unused = 2'],
  ])
  assert.deepEqual(notImported(texts), ['a.ts: unused', 'a.ts: own', 'd.ts: unused'])
  assert.deepEqual(dead(texts), ['a.ts: unused', 'd.ts: unused'])
})
