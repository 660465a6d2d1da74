import assert from 'node:assert/strict'
import { Secret } from '../../src/core/secret.ts'
import type { TestPostgres } from '../parts/postgres.ts'
import { differingLines, dumpLines } from '../parts/postgres-dump-text.ts'
import type { CasesLab } from './postgres-cases-lab.ts'
import type { PostgresCase } from './postgres-case.ts'
import { rowsOf } from './rows-of.ts'

/** Where a refusal leaves an operator who has agreed to nothing. */
const REFUSED = [20, 21, 30, 13]

/** Each command on one case, and what is there after the restore. */
export async function tryCase(
  postgres: TestPostgres,
  lab: CasesLab,
  name: string,
  one: PostgresCase,
  { isDrilled = true } = {},
): Promise<void> {
  await make(postgres, name, one)
  await lab.add(name, one.leastRights === true)
  if (one.leastRights === true)
    for (const purpose of ['backup', 'restore']) await postgres.sql(name, await succeed(lab, 'grants', purpose, name))
  await checked(lab, name, one)
  const lines = await linesOf(postgres, name, one)
  const rows = await rowsOf(postgres, name)
  await succeed(lab, 'backup', name)
  if (isDrilled) await accepted(lab, one, 'drill', name)
  if (one.target === undefined)
    await postgres.sql(
      name,
      'set role none; set session_replication_role = replica; set default_transaction_read_only = off; create schema made_after_the_backup',
    )
  await accepted(lab, one, ...restoreOf(name, one))
  const left = (all: typeof rows): typeof rows => all.filter(({ relation }) => !(one.differs ?? []).includes(relation))
  assert.deepEqual(left(await rowsOf(postgres, name)), left(rows))
  assert.deepEqual(differingLines(lines, await linesOf(postgres, name, one)), [])
  await postgres.dropDatabase(name)
}

const restoreOf = (name: string, { target }: PostgresCase): string[] => [
  'restore',
  name,
  '--no-safety-point',
  '--yes',
  ...(target === undefined ? [] : ['--target', target]),
]

async function make(postgres: TestPostgres, name: string, { sql, options }: PostgresCase): Promise<void> {
  const { host, port } = postgres.server
  const password = postgres.server.password instanceof Secret ? postgres.server.password.reveal() : ''
  await postgres.createDatabase(name, options ?? 'template template0')
  for (const text of [sql].flat())
    await postgres.sql(
      name,
      `set search_path = "$user", public; ${text.replaceAll('$SOCKET', host).replaceAll('$PORT', String(port)).replaceAll('$PASSWORD', password)}`,
    )
}

/** What pg_dump writes, in no order: rows of a partitioned table may lie in another partition afterwards. */
async function linesOf(postgres: TestPostgres, name: string, { lines }: PostgresCase): Promise<string[]> {
  const all = await dumpLines(postgres.server, Number(postgres.process?.version), name)
  return all.filter((line) => !/^(?:--.*)?$/.test(line) && lines?.test(line) !== true).sort()
}

/** What check says of every database of a new server, whatever is in it. */
const USUAL =
  /client tools|user \S+: is a superuser|damaged indexes|not captured: (?:Passwords|Rows of (?:materialized views|foreign tables))|free space|private key|would be lost together/

async function checked(lab: CasesLab, name: string, { check = [] }: PostgresCase): Promise<void> {
  const out = await succeed(lab, 'check', name)
  const warned = out.split('\n').filter((line) => /^ {2}(?:warning|untested|ERROR)/.test(line) && !USUAL.test(line))
  for (const pattern of check) assert.match(warned.join('\n'), pattern)
  if (check.length === 0) assert.deepEqual(warned, [])
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
    for (const id of accept) assert.match(`${ran.out}\n${ran.error}`, new RegExp(`--accept ${id}`))
  }
  await succeed(lab, ...args, ...options)
}
