import { Failure } from '../../../core/failure.ts'
import { policiesOf } from '../../../operations/check/policies.ts'
import { chooseApp, type Command } from '../../run-command.ts'

/** `holdfast policy openbao <purpose> [app]` */
export async function policy(
  command: Command,
  kind: string,
  purpose: string,
  name: string | undefined,
): Promise<number> {
  if (purpose !== 'capture' && purpose !== 'restore')
    throw new Failure('usage', `policy for ${JSON.stringify(purpose)} is not known`, {
      hint: 'Use capture or restore.',
    })
  const { apps, context } = command.assembly
  const policies = await policiesOf(chooseApp(apps, name), kind, purpose, context)
  command.result({ policies }, () => policies.map(({ policy: text }) => text).join('\n\n'))
  return 0
}
