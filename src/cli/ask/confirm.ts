import { Failure } from '../../core/failure.ts'
import type { CliPorts } from '../cli-ports.ts'

/**
 * Asks the operator to type a name before something is replaced. A wrong or empty answer refuses; so does the absence of
 * a terminal, unless `--yes` was given.
 */
export async function confirmByTyping(ports: CliPorts, name: string, act: string, yes: boolean): Promise<void> {
  if (yes) return
  const answer = await ports.ask.text(`Type ${name} to ${act}`)
  if (answer.trim() === name) return
  throw new Failure('refused', `${JSON.stringify(answer)} is not ${JSON.stringify(name)}`, {
    hint: 'Nothing was changed.',
  })
}
