import type pg from 'pg'
import { z } from 'zod'
import type { Secret } from '../../../core/secret.ts'
import { identifier } from '../connection/connection.ts'
import { query } from '../connection/query.ts'
import { refusedAt } from './lexer/refusals.ts'
import type { Statement } from './lexer/pieces.ts'
import { parseRoleStatement } from './role-statements.ts'
import type { RoleStatement } from './role-statements.ts'

/** The role that loads a dump: no superuser unless the dump is trusted, and a member of every role of the dump. */
export const LOADER = 'holdfast_import'
/**
 * All roles of the dump while it is loaded. Who is given a table needs CREATE on its schema for that moment; and who owns a materialized
 * view reads whatever a superuser could read where it was filled.
 */
export const EVERYONE = 'holdfast_import_roles'
/** Not `postgres`: in most dumps that is a role like any other, and here it shall be one. */
export const SUPERUSER = 'holdfast_superuser'
const RESERVED = [LOADER, EVERYONE, SUPERUSER]
/** Who is in one of these can run programs and read files of the machine. */
const DANGEROUS = new Set(['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'])

/**
 * The roles of a dump on the throw-away server. They are made as bare names; what they may is set when the dump is loaded, so that
 * nothing in it runs with more than it needs.
 */
export class DumpRoles {
  readonly #admin: pg.Client
  readonly #rights: 'superuser' | 'bypassrls'
  readonly #known = new Set<string>(RESERVED)
  readonly #made: string[] = []
  readonly #later: RoleStatement[] = []
  /** Roles of which the dump says nothing but the name. */
  readonly bare = new Set<string>()
  /** What the dump says of passwords; nothing here is given one. */
  readonly passwords = new Map<string, Secret>()
  /** Predefined roles that the dump gives and an import does not. */
  readonly withheld = new Set<string>()

  /** Roles of a trusted dump are superusers while it is loaded: some objects may belong to nobody else. */
  constructor(admin: pg.Client, trusted: boolean) {
    this.#admin = admin
    this.#rights = trusted ? 'superuser' : 'bypassrls'
  }

  async ensure(name: string): Promise<void> {
    if (this.#known.has(name) || name.startsWith('pg_')) return
    this.#known.add(name)
    this.#made.push(name)
    this.bare.add(name)
    await this.#change(`create role ${identifier(name)} nologin ${this.#rights}`)
    await this.#change(`grant ${identifier(name)} to ${LOADER}`)
    await this.#change(`grant ${EVERYONE} to ${identifier(name)}`)
  }

  /** Takes a statement about roles; false when it is something else. */
  async take(statement: Statement): Promise<boolean> {
    const parsed = parseRoleStatement(statement)
    if (parsed === undefined) return false
    const named = parsed.type === 'member' ? [parsed.role, parsed.member] : [parsed.name]
    if (named.some((name) => RESERVED.includes(name)))
      throw refusedAt(statement.offset, 'a role of the name that the import itself uses')
    if (parsed.type === 'role') await this.ensure(parsed.name)
    if (parsed.type === 'role') this.bare.delete(parsed.name)
    if (parsed.type === 'role' && parsed.password !== undefined) this.passwords.set(parsed.name, parsed.password)
    this.#later.push(parsed)
    return true
  }

  /** Gives the roles their attributes, memberships and settings, and takes away what was only for loading. `database` is the loaded one. */
  async finish(database: string): Promise<void> {
    for (const statement of this.#later) await this.#carryOut(statement, database)
    await this.#change(`drop role ${EVERYONE}`)
    for (const name of this.#made) await this.#change(`alter role ${identifier(name)} no${this.#rights}`)
  }

  async #carryOut(statement: RoleStatement, database: string): Promise<void> {
    if (statement.type === 'role') {
      if (statement.attributes.length > 0)
        await this.#change(`alter role ${identifier(statement.name)} ${statement.attributes.join(' ')}`)
    } else if (statement.type === 'member') {
      if (DANGEROUS.has(statement.role)) return void this.withheld.add(statement.role)
      if (!statement.role.startsWith('pg_')) await this.ensure(statement.role)
      await this.ensure(statement.member)
      const options = statement.options === '' ? '' : ` with ${statement.options}`
      await this.#change(`grant ${identifier(statement.role)} to ${identifier(statement.member)}${options}`)
    } else if (statement.database === undefined || statement.database === database) {
      const where = statement.database === undefined ? '' : ` in database ${identifier(database)}`
      await this.ensure(statement.name)
      await this.#change(`alter role ${identifier(statement.name)}${where} ${statement.clause}`)
    }
  }

  async #change(sql: string): Promise<void> {
    await query(this.#admin, z.unknown(), sql)
  }
}
