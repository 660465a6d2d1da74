import assert from 'node:assert/strict'
import type { TestPostgres } from '../parts/postgres.ts'
import { differingLines, dumpLines } from '../parts/postgres-dump-text.ts'
import type { CasesLab } from './postgres-cases-lab.ts'
import type { PostgresCase } from './postgres-case.ts'
import { rowsOf } from './rows-of.ts'

/** Where a refusal leaves an operator who has agreed to nothing. */
const REFUSED = [20, 21, 30]

/** Each command on one case, and what is there after the restore. */
export async function tryCase(postgres: TestPostgres, lab: CasesLab, name: string, one: PostgresCase): Promise<void> {
  await make(postgres, name, one)
  await lab.add(name, one.leastRights === true)
  if (one.leastRights === true)
    for (const purpose of ['backup', 'restore']) await postgres.sql(name, await succeed(lab, 'grants', purpose, name))
  await checked(lab, name, one)
  const lines = await dumpLines(postgres.server, Number(postgres.process?.version), name)
  const rows = await rowsOf(postgres, name)
  await succeed(lab, 'backup', name)
  await accepted(lab, one, 'drill', name)
  await postgres.sql(name, 'set default_transaction_read_only = off; create schema made_after_the_backup')
  await accepted(lab, one, ...restoreOf(name, one))
  const left = (all: typeof rows): typeof rows => all.filter(({ relation }) => !(one.differs ?? []).includes(relation))
  assert.deepEqual(left(await rowsOf(postgres, name)), left(rows))
  assert.deepEqual(differingLines(await linesOf(postgres, name, one), kept(lines, one)), [])
  await postgres.dropDatabase(name)
}

const restoreOf = (name: string, { target }: PostgresCase): string[] => [
  ...['restore', name, '--no-safety-point', '--yes'],
  ...(target === undefined ? [] : ['--target', target]),
]

async function make(postgres: TestPostgres, name: string, { sql, options }: PostgresCase): Promise<void> {
  const { host, port } = postgres.server
  await postgres.createDatabase(name, options ?? 'template template0')
  for (const text of [sql].flat())
    await postgres.sql(
      name,
      `set search_path = "$user", public; ${text.replaceAll('$SOCKET', host).replaceAll('$PORT', String(port))}`,
    )
}

async function linesOf(postgres: TestPostgres, name: string, one: PostgresCase): Promise<string[]> {
  return kept(await dumpLines(postgres.server, Number(postgres.process?.version), name), one)
}

const kept = (lines: readonly string[], { lines: other }: PostgresCase): string[] =>
  lines.filter((line) => other === undefined || !other.test(line))

async function checked(lab: CasesLab, name: string, { check = [] }: PostgresCase): Promise<void> {
  const ran = await lab.run('check', name)
  for (const pattern of check) assert.match(ran.out, pattern)
  assert.equal(ran.code, 0, `${ran.out}\n${ran.error}`)
  console.log(ran.out)
}

async function succeed(lab: CasesLab, ...args: readonly string[]): Promise<string> {
  const ran = await lab.run(...args)
  assert.equal(ran.code, 0, `${args.join(' ')}\n${ran.out}\n${ran.error}`)
  return ran.out
}

/** Without the consent that the case needs it is refused, and the refusal names the consent. */
async function accepted(lab: CasesLab, { accept = [] }: PostgresCase, ...args: readonly string[]): Promise<void> {
  const options = accept.flatMap((id) => ['--accept', id])
  if (accept.length > 0) {
    const ran = await lab.run(...args)
    assert.ok(REFUSED.includes(ran.code), `${args.join(' ')} ended with ${ran.code}`)
    for (const id of accept) assert.ok(`${ran.out}${ran.error}`.includes(`--accept ${id}`), `${ran.out}\n${ran.error}`)
  }
  await succeed(lab, ...args, ...options)
}
