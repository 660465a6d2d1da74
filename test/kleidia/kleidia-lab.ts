import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startReadyLab, type Lab } from '../e2e/lab.ts'
import { recoveryPython } from '../e2e/recovery-python.ts'
import { dumpWith } from '../parts/dump-tools.ts'
import { at, startOpenbao, type TestOpenbao } from '../parts/openbao.ts'

const execute = promisify(execFile)
const script = join(import.meta.dirname, 'kleidia.py')
export const KLEIDIA_PASSWORD = 'Pässwort of Kleidia'
export const MOUNT = 'yubikeys'

/** Secrets as texts, so that digits and order are those of the file. */
export const secrets: Readonly<Record<string, string>> = {
  'jwt-secret': '{"secret":"canary-of-jwt"}',
  database: '{"port":5432,"password":"päss","nested":{"b":[1,2.5,null],"a":true}}',
  'yubikeys/abc123/piv': '{"management_key":"0102","__proto__":"kept","ratio":1.10}',
}

/** Kleidia's two stores on real servers, configured as one app, and the writer and reader in Python. */
export interface KleidiaLab {
  readonly lab: Lab
  readonly bao: TestOpenbao
  path(name: string): string
  /** The database as it is now, as SQL. */
  sql(): Promise<string>
  /** Writes a file with the Python writer. */
  write(
    name: string,
    parts: { readonly sql?: string; readonly secrets?: Readonly<Record<string, string>> },
    password?: string,
  ): Promise<string>
  /** The archive in a file, by the Python reader. */
  read(path: string): Promise<unknown>
  put(path: string, text: string): Promise<void>
  get(path: string): Promise<unknown>
}

export async function startKleidiaLab(): Promise<KleidiaLab> {
  const bao = await startOpenbao('raft')
  await bao.must('POST', `sys/mounts/${MOUNT}`, { type: 'kv', options: { version: '2' } })
  const lab = await startReadyLab()
  await lab.edit((config) => {
    const { components } = config.apps['portal']!
    delete components['files']
    components['keys'] = {
      kind: 'openbao',
      address: bao.server.address,
      token: `file:${join(lab.folder, 'etc', 'token')}`,
      mounts: [MOUNT],
      serverProgram: bao.program,
      snapshot: 'off',
    }
  })
  await writeFile(join(lab.folder, 'etc', 'token'), bao.server.rootToken.reveal(), { mode: 0o600 })
  const python = await recoveryPython()
  const kleidia = async (password: string, ...args: readonly string[]): Promise<string> => {
    const environment = { KLEIDIA_PASSWORD: password, PATH: process.env['PATH'] ?? '' }
    return (await execute(python, [script, ...args], { env: environment, timeout: 60_000, maxBuffer: 64 * 2 ** 20 }))
      .stdout
  }
  const path = (name: string): string => join(lab.folder, name)
  return {
    lab,
    bao,
    path,
    sql: () => dumpWith(lab.postgres, 'pg_dump', ['--clean', '--if-exists', 'portal']),
    async write(name, parts, password = KLEIDIA_PASSWORD) {
      await writeFile(path(`${name}.json`), archive(parts))
      await kleidia(password, 'write', path(`${name}.json`), path(name))
      return path(name)
    },
    read: async (file) => JSON.parse(await kleidia(KLEIDIA_PASSWORD, 'read', file)),
    put: async (secret, text) => void (await bao.must('POST', `${MOUNT}/data/${secret}`, { data: JSON.parse(text) })),
    get: async (secret) => at((await bao.ask('GET', `${MOUNT}/data/${secret}`)).body, 'data', 'data'),
  }
}

export function archive(parts: { readonly sql?: string; readonly secrets?: Readonly<Record<string, string>> }): string {
  const [sql, listed] = [parts.sql, parts.secrets]
  const type = sql !== undefined && listed !== undefined ? 'full' : sql === undefined ? 'vault-only' : 'database-only'
  const header = {
    version: 1,
    created_at: '2026-01-17T12:00:00Z',
    backup_type: type,
    includes_db: sql !== undefined,
    includes_kv: listed !== undefined,
    includes_audit_logs: true,
  }
  const members = Object.entries(listed ?? {}).map(([name, text]) => `${JSON.stringify(name)}:${text}`)
  return (
    [
      `{"header":${JSON.stringify(header)}`,
      ...(sql === undefined ? [] : [`"database_sql":${JSON.stringify(sql)}`]),
      ...(listed === undefined ? [] : [`"vault_secrets":{${members.join(',')}}`]),
    ].join(',') + '}'
  )
}

export async function damaged(from: string, to: string): Promise<string> {
  const bytes = await readFile(from)
  bytes[bytes.length - 100]! ^= 1
  await writeFile(to, bytes)
  return to
}
