import { Failure } from '../../core/failure.ts'
import type { CurrentPassword } from '../../operations/init/init.ts'
import type { CliPorts } from '../cli-ports.ts'

const MINIMUM_LENGTH = 12

/** The environment variable with the password of a backup of Kleidia. */
export const KLEIDIA_PASSWORD = 'HOLDFAST_KLEIDIA_PASSWORD'

export interface PasswordWords {
  readonly what: string
  readonly whoGuesses: string
}

const FOR_A_KEY: PasswordWords = {
  what: 'A password that locks the private key in the repository',
  whoGuesses: 'Everyone who can read the repository can guess at it',
}

/** A new password from the environment variable, or typed twice. */
export async function askNewPassword(
  ports: CliPorts,
  variable = 'HOLDFAST_PASSWORD',
  words = FOR_A_KEY,
): Promise<string> {
  const given = ports.variable(variable)
  const password = given ?? (await typedTwice(ports, variable, words))
  if (password.length >= MINIMUM_LENGTH) return password
  throw new Failure('usage', `the password is shorter than ${MINIMUM_LENGTH} characters`, {
    hint: `${words.whoGuesses}. Use several random words.`,
  })
}

/** The password that a private key is locked with now. */
export async function askCurrentPassword(ports: CliPorts, name: string): Promise<string> {
  return ports.variable('HOLDFAST_PASSWORD') ?? (await ports.ask.password(`Password of private key ${name}`))
}

/** Of whichever locked key it opens. A person may mistype; what the environment gives does not become right by being tried again. */
export function passwordOfLockedKeys({ ask, variable }: Pick<CliPorts, 'ask' | 'variable'>): CurrentPassword {
  const given = variable('HOLDFAST_PASSWORD')
  if (given !== undefined) return { ask: () => Promise.resolve(given), tries: 1 }
  return { ask: (about) => ask.password(`Password of private key ${about}`), tries: 3 }
}

async function typedTwice(ports: CliPorts, variable: string, { what }: PasswordWords): Promise<string> {
  const first = await ports.ask.password(what, variable)
  if ((await ports.ask.password('The same password again', variable)) === first) return first
  throw new Failure('usage', 'the two passwords differ', { hint: 'Nothing is locked yet. Run it again.' })
}
