import { isCancel, password, text } from '@clack/prompts'
import { Failure } from '../../core/failure.ts'

/** Asks for a secret that is not shown. */
export async function askPassword(
  question: string,
  signal: AbortSignal,
  variable = 'HOLDFAST_PASSWORD',
): Promise<string> {
  requireTerminal('a password', `Give it with the environment variable ${variable}.`)
  return answered(await password({ message: question, signal, output: process.stderr }))
}

export async function askText(question: string, signal: AbortSignal): Promise<string> {
  requireTerminal('a confirmation', 'Add --yes if you are sure.')
  return answered(await text({ message: question, signal, output: process.stderr }))
}

function requireTerminal(what: string, hint: string): void {
  if (!process.stdin.isTTY) throw new Failure('usage', `there is no terminal to ask for ${what}`, { hint })
}

function answered(answer: string | symbol | undefined): string {
  if (typeof answer !== 'string' || isCancel(answer))
    throw new Failure('cancelled', 'cancelled at the question', { hint: 'Nothing was changed.' })
  return answer
}
