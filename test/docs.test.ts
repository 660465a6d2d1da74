import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { runProgram } from '../src/cli/run-program.ts'
import { commandsPath, commandsText, programForHelp, visibleCommands } from '../scripts/generate-commands.ts'
import { componentSchemas } from '../src/operations/component-schemas.ts'
import { parseConfig } from '../src/config/load-config.ts'
import { failureKinds } from '../src/core/failure.ts'

/** What the documents say, compared with the code. */

const root = join(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CODING.md',
  'CHANGELOG.md',
  'test/README.md',
  ...globSync('docs/**/*.md', { cwd: root }),
]

/** The cells of every row of the tables below a heading, without header rows. */
function rowsBelow(markdown: string, heading: string): string[][] {
  const section = markdown.split(/^(?=#+ )/m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| --- '))
  return rows.slice(1).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

/** Every heading as GitHub's renderer names it in links. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)]
  return new Set(
    headings.map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
}

/** What is wrong with the links of a document. */
function brokenLinks(file: string, markdown: string): string[] {
  const links = [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => !/^[a-z]+:/.test(link)).flatMap((link) => problemOf(file, link))
}

function problemOf(file: string, link: string): string[] {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : join(dirname(file), path)
  if (!existsSync(join(root, target))) return [`${file}: ${link} leads nowhere`]
  if (anchor === undefined || anchorsOf(read(target)).has(anchor)) return []
  return [`${file}: ${link} names no heading`]
}

test('docs/use/errors.md lists exactly the kinds of failure, with their numbers', () => {
  const listed = rowsBelow(read('docs/use/errors.md'), '# Errors').map(([kind, exit, http, retry]) => ({
    kind,
    exit: Number(exit),
    http: Number(http),
    retry: retry === 'yes',
  }))
  assert.deepEqual(
    listed,
    Object.entries(failureKinds).map(([kind, numbers]) => ({ kind, ...numbers })),
  )
})

test('docs/reference/commands.md is what the program says', () => {
  assert.equal(readFileSync(commandsPath, 'utf8'), commandsText(), 'run scripts/generate-commands.ts')
})

test('the README is short', () => {
  assert.ok(read('README.md').split('\n').length <= 121)
})

test('docs/use/errors.md and docs/reference/cli-output.md speak of commands that exist', () => {
  const commands = new Set(visibleCommands(programForHelp()).map((command) => command.name()))
  const said = [
    ...rowsBelow(
      read('docs/use/errors.md'),
      '## Which commands end with something else than 0 although they worked',
    ).flatMap(([cell = '']) => cell.split(', ')),
    ...[...read('docs/reference/cli-output.md').matchAll(/^## ([a-z, ]+)$/gm)].flatMap(([, heading = '']) =>
      heading.split(', '),
    ),
  ].map((text) => text.split(' ')[0] ?? '')
  assert.deepEqual(
    said.filter((name) => !commands.has(name)),
    [],
  )
  assert.deepEqual(
    [...commands].filter((name) => !said.includes(name)),
    [],
  )
})

test('help gives the exit codes of the failures', async () => {
  let help = ''
  await runProgram(
    programForHelp((text) => (help += text)),
    ['--help'],
    { exitCode: 0 },
  )
  const expected = [0, ...Object.values(failureKinds).map(({ exit }) => exit)]
  const inHelp = [...(help.split('Exit codes:')[1] ?? '').matchAll(/\b(\d+) [a-z]/g)].map(([, code]) => Number(code))
  assert.deepEqual(inHelp, expected)
})

const configured = ['README.md', 'docs/use/first-backup.md', 'docs/use/everything-lost.md']

test('the configurations of the first steps are valid', () => {
  for (const file of configured) {
    const [[, text = ''] = [], ...more] = read(file).matchAll(/^```yaml\n([^`]*)^```$/gm)
    assert.deepEqual(more, [])
    const config = parseConfig(text, {
      path: file,
      isPrivate: true,
      componentSchemas,
      environment: { variables: {}, userId: 0 },
    })
    assert.deepEqual(config.warnings, [])
  }
})

/** Not yet one sentence a line. */
const wrapped = ['docs/plan.md']

/** Lines outside of tables and headings on which a second sentence begins. */
function linesOfSeveralSentences(markdown: string): string[] {
  const lines = markdown.replace(/^```[^]*?^```$/gm, '').split('\n')
  const prose = lines.filter((line) => !/^\s*(?:\||#|- \[|```)/.test(line))
  return prose.filter((line) =>
    /[.!?][)*"]* +(?=[A-Z[("*`])/.test(line.replace(/`[^`]*`/g, '`').replace(/^\s*\d+\. /, '')),
  )
}

test('documents have one sentence a line', () => {
  assert.deepEqual(linesOfSeveralSentences('One. Two.\n1. One\n- `a. B` is one.\n| A. B. |'), ['One. Two.'])
  const held = documents.filter((file) => !wrapped.includes(file) && !file.startsWith('docs/decisions/'))
  assert.deepEqual(
    held.flatMap((file) => linesOfSeveralSentences(read(file)).map((line) => `${file}: ${line}`)),
    [],
  )
})

test('every relative link leads to a file, and to a heading of it', () => {
  assert.deepEqual(
    documents.flatMap((file) => brokenLinks(file, read(file))),
    [],
  )
})

test('a broken link is found', () => {
  assert.deepEqual(
    brokenLinks(
      'README.md',
      '[a](docs/nothing.md) [b](docs/reference/format.md#nothing) [c](docs/reference/format.md) [d](https://example.org)',
    ),
    ['README.md: docs/nothing.md leads nowhere', 'README.md: docs/reference/format.md#nothing names no heading'],
  )
})

/** Documents that a text beside them names by their path, and that are not there. */
function missingDocuments(text: string): string[] {
  const named = [...text.matchAll(/(?<![\w/.-])docs\/[\w/-]+\.(?:md|json)\b/g)].map(([path]) => path)
  return named.filter((path) => !existsSync(join(root, path)))
}

test('code, hints and comments name only documents that exist', () => {
  assert.deepEqual(missingDocuments('see docs/nothing.md and docs/reference/format.md'), ['docs/nothing.md'])
  const files = globSync(['{src,scripts,bench}/**/*.{ts,py,txt}', 'test/**/*.{py,txt}'], { cwd: root })
  assert.ok(files.length > 500)
  assert.deepEqual(
    files.flatMap((file) => missingDocuments(read(file)).map((path) => `${file}: ${path}`)),
    [],
  )
})

test('every document is reached from the README', () => {
  const reached = new Set(['README.md', 'test/README.md'])
  for (const file of reached) {
    for (const [, link = ''] of read(file).matchAll(/\]\(([^)\s#:]+)(?:#[^)]*)?\)/g))
      if (link.endsWith('.md')) reached.add(join(dirname(file), link))
  }
  assert.deepEqual(
    documents.filter((file) => !reached.has(file) && !file.startsWith('docs/decisions/')),
    [],
  )
})

test('every dependency has a decision', () => {
  const manifest = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'optionalDependencies' | 'devDependencies',
    Record<string, string>
  >
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies })
  const decisions = globSync('docs/decisions/*.md', { cwd: root }).map(read).join('\n')
  // Types come with the package that they describe.
  const isNamed = (name: string): boolean =>
    new RegExp(`(?<![\\w/-])${name.replace(/^@types\//, '')}(?![\\w-])`, 'i').test(decisions)
  assert.ok(!isNamed('p-ma') && !isNamed('map'))
  assert.deepEqual(
    names.filter((name) => !isNamed(name)),
    [],
  )
})

test('no document names a place of the machine it was written on', () => {
  assert.deepEqual(
    documents.filter((file) => read(file).includes(root) || /\/home\/[a-z]/.test(read(file))),
    [],
  )
})

/** Flags that a hint tells the operator to give, with the file that says so. */
function flagsInHints(): readonly (readonly [string, string])[] {
  return globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...read(file).matchAll(/hint: *['"`].*/g)].flatMap(([hint]) =>
        [...hint.matchAll(/--[a-z]+(?:-[a-z]+)*/g)].map(([flag]) => [flag, file] as const),
      ),
    )
}

function optionsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long }) => long ?? []), ...command.commands.flatMap(optionsOf)]
}

test('hints name only options that exist', () => {
  const known = optionsOf(programForHelp())
  const found = flagsInHints()
  assert.ok(found.length > 10, `only ${found.length} flags found`)
  assert.deepEqual(
    found.filter(([flag]) => !known.includes(flag)),
    [],
  )
})
