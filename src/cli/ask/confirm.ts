import { Failure } from '../../core/failure.ts'
import type { World } from '../world.ts'

/**
 * Asks the operator to type a name before something is replaced. A wrong or empty answer refuses; so does the absence of
 * a terminal, unless `--yes` was given.
 */
export async function confirmByTyping(world: World, name: string, act: string, yes: boolean): Promise<void> {
  if (yes) return
  const answer = await world.ask.text(`Type ${name} to ${act}`)
  if (answer.trim() === name) return
  throw new Failure('refused', `${JSON.stringify(answer)} is not ${JSON.stringify(name)}`, {
    hint: 'Nothing was changed.',
  })
}
