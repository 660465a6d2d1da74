import { Secret } from '../../core/secret.ts'
import type { KeyChange } from '../../operations/keys/keys.ts'
import { askNewPassword, askCurrentPassword } from '../passwords.ts'
import { formatTable, formatTime, plural } from '../format.ts'
import type { Command } from '../run-command.ts'

export type KeyAct = 'list' | 'add' | 'remove' | 'change-password' | 'export' | 'rewrap'

/** `holdfast key …` */
export async function keyCommand(
  command: Command,
  act: KeyAct,
  name: string,
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (act === 'list') return await list(command)
  const change = await perform(command, act, name, options)
  command.result({ act, name, ...change }, () => textOf(act, name, change))
  return 0
}

async function perform(
  command: Command,
  act: Exclude<KeyAct, 'list'>,
  name: string,
  options: Readonly<Record<string, unknown>>,
): Promise<KeyChange> {
  const { keys, context } = command.assembly
  switch (act) {
    case 'add':
      return await keys.add(name, new Secret(await askNewPassword(command.world)), context)
    case 'remove':
      return await keys.remove(name, context)
    case 'change-password': {
      const old = new Secret(await askCurrentPassword(command.world, name))
      return await keys.changePassword(
        name,
        { old, new: new Secret(await askNewPassword(command.world, 'HOLDFAST_NEW_PASSWORD')) },
        context,
      )
    }
    case 'export':
      // commander requires --to with a value.
      return await keys.exportTo(
        name,
        new Secret(await askCurrentPassword(command.world, name)),
        String(options['to']),
        context,
      )
    case 'rewrap':
      return await keys.rewrap(context)
  }
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
