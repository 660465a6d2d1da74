import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { programForHelp } from '../scripts/generate-commands.ts'
import { acceptedBy } from '../src/core/accept-ids.ts'

/** Each id of `--accept` is in the documents, printed by a refusal, and understood by the commands that print it. */
const root = join(import.meta.dirname, '..')
const commands = Object.entries(acceptedBy) as [string, readonly string[]][]
const ids = [...new Set(commands.flatMap(([, all]) => all))].sort()
const shown = (id: string): string => (id.endsWith('-') ? `${id}<name>` : id)

test('docs/use/accept.md lists exactly the ids, each with its commands', () => {
  const [table = ''] = readFileSync(join(root, 'docs/use/accept.md'), 'utf8').split('## What removes what')
  const rows = [...table.matchAll(/^\| `([a-z<>-]+)` \| ([^|]+) \|/gm)].map(([, id = '', by = '']) => [
    id,
    by.replaceAll('`', '').trim().split(', ').sort(),
  ])
  const expected = ids.map((id) => [shown(id), commands.filter(([, all]) => all.includes(id)).map(([name]) => name)])
  assert.deepEqual(
    rows.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
    expected.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
  )
})

/** The code that refuses: all but the list of ids itself and what parses the option. */
const refusing = globSync('src/**/*.ts', { cwd: root })
  .filter((file) => !/test\.ts$|testing\/|core\/accept-ids|cli\/accept-option|cli\/import-acceptance/.test(file))
  .map((file) => readFileSync(join(root, file), 'utf8'))
const families: Readonly<Record<string, string>> = {
  'key-misfit-': 'KEY_MISFIT',
  'prune-': 'PRUNE_PLAN',
  'future-': 'FUTURE_POINT',
  'damaged-': 'DAMAGED_POINT',
  'alarm-': 'ALARM',
  'gone-copy-': 'GONE_COPY',
}

for (const id of ids) {
  test(`${shown(id)} is what a refusal prints`, () => {
    const family = families[id]
    // As a fact, as the id of a stop or guard, or as what is left out for objects of a kind.
    const printed =
      family === undefined
        ? new RegExp(`(?:accept|LEFT_OUT|[A-Z ']+|\\?\\?):? ?['"]${id}['"]`)
        : new RegExp(`\`\\$\\{${family}\\}`)
    assert.ok(refusing.some((text) => printed.test(text)))
  })
}

test('every --accept takes the ids of its command and no other', () => {
  const found = (command: Command, path: readonly string[]): [string, Command][] => [
    [path[0] ?? '', command],
    ...command.commands.flatMap((sub) => found(sub, [...path, sub.name()])),
  ]
  const accepting = found(programForHelp(), []).flatMap(([name, command]) => {
    const option = command.options.find(({ long }) => long === '--accept')
    return option === undefined ? [] : [[name, option] as const]
  })
  assert.deepEqual([...new Set(accepting.map(([name]) => name))].sort(), Object.keys(acceptedBy).sort())
  for (const [name, option] of accepting) {
    const own: readonly string[] = acceptedBy[name as keyof typeof acceptedBy]
    for (const id of ids) {
      const parse = (): unknown => option.parseArg?.(id.endsWith('-') ? `${id}x` : id, undefined)
      if (own.includes(id)) parse()
      else assert.throws(parse, `${name} --accept ${id}`)
    }
  }
})

test('no other option passes a refusal', () => {
  const gone = /--(?:accept-key-misfit|trust-dump|approve|resume)\b/
  const files = [...globSync('src/**/*.ts', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root }), 'README.md']
  assert.deepEqual(
    files.filter((file) => gone.test(readFileSync(join(root, file), 'utf8'))),
    [],
  )
})
