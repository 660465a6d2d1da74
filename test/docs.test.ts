import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { makeProgram, runProgram } from '../src/cli/program.ts'
import type { World } from '../src/cli/world.ts'
import { componentSchemas } from '../src/assemble/assemble.ts'
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

function program(out: (text: string) => void = () => {}): Command {
  // Help and the list of commands need only the streams.
  return makeProgram({ streams: { out, error: out, terminal: false } } as World, '0', { exitCode: 0 })
}

/** Usage lines such as `key add <name>`, without options. */
function usages(command: Command, path = ''): string[] {
  return command.commands.flatMap((sub) => {
    const name = `${path}${sub.name()}`
    const inner = usages(sub, `${name} `)
    // A group without arguments does nothing by itself.
    if (inner.length > 0 && sub.registeredArguments.length === 0) return inner
    const given = sub.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    )
    return [[name, ...given].join(' '), ...inner]
  })
}

test('docs/errors.md lists exactly the kinds of failure, with their numbers', () => {
  const listed = rowsBelow(read('docs/errors.md'), '# Errors').map(([kind, exit, http, retry]) => ({
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

test('the README lists exactly the commands', () => {
  assert.deepEqual(
    rowsBelow(read('README.md'), '## Commands')
      .map(([usage = '']) => usage)
      .sort(),
    usages(program()).sort(),
  )
})

test('docs/errors.md and docs/cli-output.md speak of commands that exist', () => {
  const commands = new Set(program().commands.map((command) => command.name()))
  const said = [
    ...rowsBelow(
      read('docs/errors.md'),
      '## Which commands end with something else than 0 although they worked',
    ).flatMap(([cell = '']) => cell.split(', ')),
    ...[...read('docs/cli-output.md').matchAll(/^## ([a-z, ]+)$/gm)].flatMap(([, heading = '']) => heading.split(', ')),
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

test('help and the README give the exit codes of the failures', async () => {
  let help = ''
  await runProgram(
    program((text) => (help += text)),
    ['--help'],
    { exitCode: 0 },
  )
  const expected = [0, ...Object.values(failureKinds).map(({ exit }) => exit)]
  const inHelp = [...(help.split('Exit codes:')[1] ?? '').matchAll(/\b(\d+) [a-z]/g)].map(([, code]) => Number(code))
  assert.deepEqual(inHelp, expected)
  const inReadme = rowsBelow(read('README.md'), '## Exit codes').map(([code, kind]) => [kind, Number(code)])
  assert.deepEqual(inReadme, [['', 0], ...Object.entries(failureKinds).map(([kind, { exit }]) => [kind, exit])])
})

test('the configurations of the README are valid', () => {
  const blocks = [...read('README.md').matchAll(/^```yaml\n([^`]*)^```$/gm)].map(([, text = '']) => text)
  assert.equal(blocks.length, 2)
  for (const text of blocks) {
    const config = parseConfig(text, {
      path: 'README.md',
      isPrivate: true,
      componentSchemas,
      environment: { variables: {}, userId: 0 },
    })
    assert.deepEqual(config.warnings, [])
  }
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
      '[a](docs/nothing.md) [b](docs/format.md#nothing) [c](docs/format.md) [d](https://example.org)',
    ),
    ['README.md: docs/nothing.md leads nowhere', 'README.md: docs/format.md#nothing names no heading'],
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
  const known = optionsOf(program())
  const found = flagsInHints()
  assert.ok(found.length > 10, `only ${found.length} flags found`)
  assert.deepEqual(
    found.filter(([flag]) => !known.includes(flag)),
    [],
  )
})
