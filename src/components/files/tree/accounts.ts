import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'

/** Names of users or groups by number. */
export type AccountNames = ReadonlyMap<number, string>

export interface Accounts {
  readonly users: AccountNames
  readonly groups: AccountNames
}

/** What this machine's own files say; accounts that only a directory server knows have no names here. */
export async function localAccounts(): Promise<Accounts> {
  return { users: await readNames('/etc/passwd'), groups: await readNames('/etc/group') }
}

async function readNames(path: string): Promise<AccountNames> {
  try {
    return parseAccounts(await readFile(path, 'utf8'))
  } catch {
    // Some container images have neither file. Owners are recorded and restored by number; names only help people.
    return new Map()
  }
}

/** Lines `name:password:number:…`; the first name of a number counts, as for getpwuid. */
function parseAccounts(text: string): AccountNames {
  const names = new Map<number, string>()
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':')
    if (name === undefined || name === '' || id === undefined || !/^\d+$/.test(id)) continue
    if (!names.has(Number(id))) names.set(Number(id), name)
  }
  return names
}

/** The user number of this process; it need not have a name. */
export async function currentUser(): Promise<number> {
  try {
    return (await stat('/proc/self')).uid
  } catch {
    return userInfo().uid
  }
}

export interface AccountName {
  readonly id: number
  readonly name: string
}

/** Captured names that mean somebody else here, or nobody. */
export function strangers(captured: readonly AccountName[], here: AccountNames): readonly AccountName[] {
  return captured.filter(({ id, name }) => here.get(id) !== name)
}
