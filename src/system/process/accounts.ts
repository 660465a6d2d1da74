import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Whether this process may do everything on this machine. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The account that this process runs as. */
export function accountName(): string {
  return userInfo().username
}

/** The first of `names` that is an account of this machine and is not root itself. */
export async function findAccount(names: readonly string[]): Promise<Account | undefined> {
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8'))
  const found = names.map((name) => accounts.find((account) => account.name === name && account.uid !== 0))
  return found.find((account) => account !== undefined)
}

/** The lines of `/etc/passwd` that have a name and numbers; see passwd(5). */
export function parseAccounts(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    if (name === undefined || name === '' || !isNumber(uid) || !isNumber(gid)) return []
    return [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text)
}
