import { resolve } from 'node:path'
import type { Command as Commander } from 'commander'
import { Secret } from '../../../core/secret.ts'
import type { KeyChange, KeyChangeOrder, KeyPasswords } from '../../../operations/keys/keys.ts'
import { askNewPassword, askCurrentPassword } from '../../ask/passwords.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import { formatTable, formatTime, plural } from '../../print/format.ts'
import type { Command } from '../../run-command.ts'

type KeyAct = KeyChangeOrder['act']

interface KeyOptions {
  /** Of `export` only. */
  readonly to?: string
}

export function addKey(program: Commander, cli: Cli): void {
  const key = program.command('key').description('recipients and the private keys that open restore points')
  const addChange = (act: KeyAct, description: string): Commander =>
    key
      .command(`${act} <name>`)
      .description(description)
      .action((name: string, { to }: KeyOptions, command: Commander) =>
        run(cli, command, (given) => change(given, act, { name, to })),
      )
  key
    .command('list')
    .description('list the locked private keys in each repository')
    .action((_options: unknown, command: Commander) => run(cli, command, list))
  addChange('add', 'make a private key locked with a password, and let it open all points')
  addChange('remove', 'remove a locked private key and shut it out of all points')
  addChange('change-password', 'lock a private key with another password; touches no data')
  addChange('export', 'write a private key, unlocked, to a file for offline safe-keeping').requiredOption(
    '--to <file>',
    'the file to write (mode 0600)',
  )
  key
    .command('rewrap')
    .description('wrap every data key for the recipients of the configuration')
    .action((_options: unknown, command: Commander) => run(cli, command, (given) => change(given, 'rewrap')))
}

interface Wanted {
  readonly name: string
  readonly to?: string | undefined
}

async function change(command: Command, act: KeyAct, { name, to }: Wanted = { name: '' }): Promise<Ending> {
  const { keyChangeOrder } = await import('../../../operations/keys/keys.ts')
  const { keys, context } = command.assembly
  const file = to === undefined ? {} : { file: resolve(to) }
  const { order } = await keys.plan(keyChangeOrder.parse({ act, name, ...file }), context)
  const changed = await keys.run(order, await passwordsFor(command, order), context)
  command.result({ act, name, ...changed }, () => textOf(act, name, changed))
  return 'done'
}

async function passwordsFor({ ports }: Command, order: KeyChangeOrder): Promise<KeyPasswords> {
  if (order.act === 'add') return { fresh: new Secret(await askNewPassword(ports)) }
  if (order.act === 'export') return { current: new Secret(await askCurrentPassword(ports, order.name)) }
  if (order.act !== 'change-password') return {}
  const current = new Secret(await askCurrentPassword(ports, order.name))
  return { current, fresh: new Secret(await askNewPassword(ports, 'HOLDFAST_NEW_PASSWORD')) }
}

async function list(command: Command): Promise<Ending> {
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
  return 'done'
}

function textOf(act: KeyAct, name: string, { repositories, rewrapped, recipient }: KeyChange): string {
  const where = repositories.join(', ')
  const points = `${plural(rewrapped, 'restore point')} wrapped anew`
  const said: Record<KeyAct, string> = {
    add: `Private key ${name} (${recipient ?? ''}) is locked into ${where}; ${points}. The configuration names its recipient now.`,
    remove: `Private key ${name} is removed from ${where}; ${points}. Who kept a copy of an older key file can still open the points of that time.`,
    'change-password': `Private key ${name} has a new password in ${where}. Who kept a copy of the old file still opens it with the old password.`,
    export: `Private key ${name} is written unlocked. Keep the file offline; whoever has it reads every restore point.`,
    rewrap: `${points} in ${where}.`,
  }
  return said[act]
}
