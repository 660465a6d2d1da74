import { resolve } from 'node:path'
import { Secret } from '../../../core/secret.ts'
import {
  keyChangeOrder,
  type KeyChange,
  type KeyChangeOrder,
  type KeyPasswords,
} from '../../../operations/keys/keys.ts'
import { askNewPassword, askCurrentPassword } from '../../ask/passwords.ts'
import { formatTable, formatTime, plural } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

export type KeyAct = 'list' | 'add' | 'remove' | 'change-password' | 'export' | 'rewrap'

/** `holdfast key …` */
export async function keyCommand(
  command: Command,
  act: KeyAct,
  name: string,
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (act === 'list') return await list(command)
  const { keys, context } = command.assembly
  // commander requires --to with a value.
  const file = act === 'export' ? { file: resolve(String(options['to'])) } : {}
  const { order } = await keys.plan(keyChangeOrder.parse({ act, name, ...file }), context)
  const change = await keys.run(order, await passwordsFor(command, order), context)
  command.result({ act, name, ...change }, () => textOf(act, name, change))
  return 0
}

async function passwordsFor({ world }: Command, order: KeyChangeOrder): Promise<KeyPasswords> {
  if (order.act === 'add') return { fresh: new Secret(await askNewPassword(world)) }
  if (order.act === 'export') return { current: new Secret(await askCurrentPassword(world, order.name)) }
  if (order.act !== 'change-password') return {}
  const current = new Secret(await askCurrentPassword(world, order.name))
  return { current, fresh: new Secret(await askNewPassword(world, 'HOLDFAST_NEW_PASSWORD')) }
}

async function list(command: Command): Promise<number> {
  const listed = await command.assembly.keys.list(command.assembly.context)
  command.result({ keys: listed }, () =>
    listed.length === 0
      ? 'No private keys are locked into the repositories.'
      : formatTable(
          ['key', 'repository', 'created', 'new points', 'recipient'],
          listed.map(({ name, repository, created, inUse, recipient }) => [
            name,
            repository,
            formatTime(created),
            inUse ? 'yes' : 'NO',
            recipient,
          ]),
        ),
  )
  return 0
}

function textOf(act: KeyAct, name: string, { repositories, rewrapped, recipient }: KeyChange): string {
  const where = repositories.join(', ')
  const points = `${plural(rewrapped, 'restore point')} wrapped anew`
  const said: Record<KeyAct, string> = {
    list: '',
    add: `Private key ${name} (${recipient ?? ''}) is locked into ${where}; ${points}. The configuration names its recipient now.`,
    remove: `Private key ${name} is removed from ${where}; ${points}. Who kept a copy of an older key file can still open the points of that time.`,
    'change-password': `Private key ${name} has a new password in ${where}. Who kept a copy of the old file still opens it with the old password.`,
    export: `Private key ${name} is written unlocked. Keep the file offline; whoever has it reads every restore point.`,
    rewrap: `${points} in ${where}.`,
  }
  return said[act]
}
