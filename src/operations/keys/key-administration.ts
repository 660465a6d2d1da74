import { readFile } from 'node:fs/promises'
import type { Config } from '../../config/load-config.ts'
import { withKeys } from '../../config/starting/with-keys.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { AppRepository } from '../app.ts'
import type { KeyAdministration, KeyChange, KeyChangeOrder, KeyChangePlan, KeyPasswords, ListedKey } from './keys.ts'
import { generateKeyPair } from '../../repository/keys/age-keys.ts'
import {
  addIdentity,
  changePassword,
  exportIdentity,
  listIdentities,
  removeIdentity,
} from '../../repository/keys/identity-store.ts'
import { rewrapAll } from '../../repository/keys/rewrap-all.ts'
import type { Storage } from '../../storage/storage.ts'
import { replaceFile, writeNewFile } from '../../system/files/private-file.ts'
import type { IdentityProvider } from './identity-provider.ts'

interface Wires {
  readonly config: Config
  readonly storage: (repository: string) => Promise<Storage>
  readonly keyRing: IdentityProvider
  readonly repositories: ReadonlyMap<string, AppRepository>
}

/** The key chain over all repositories of a configuration. */
export function configuredKeyChain(wires: Wires): KeyAdministration {
  return {
    list: (context) => list(wires, context),
    plan: (order, context) => plan(wires, order, context),
    async run(order, passwords, context) {
      await plan(wires, order, context)
      return await run(wires, order, passwords, context)
    },
  }
}

async function plan(wires: Wires, order: KeyChangeOrder, context: Context): Promise<KeyChangePlan> {
  const all = await list(wires, context)
  if (order.act === 'add' || order.act === 'rewrap') return { order, keys: order.act === 'add' ? [] : all }
  const keys = all.filter(({ name }) => name === order.name)
  if (keys[0] === undefined)
    throw new Failure('notFound', `no repository has a private key ${order.name}`, {
      hint: 'holdfast key list shows them.',
    })
  if (order.act === 'remove') refuseLast(wires, order.name, keys)
  return { order, keys }
}

function refuseLast({ config }: Wires, name: string, gone: readonly ListedKey[]): void {
  const empty = Object.keys(config.repositories).find((one) => recipientsWithout(config, gone)(one).length === 0)
  if (empty === undefined) return
  throw new Failure('refused', `${name} is the last recipient of repository ${empty}`, {
    hint: 'Add another key first: without a recipient nobody could read the restore points.',
  })
}

function recipientsWithout(config: Config, gone: readonly ListedKey[]): (repository: string) => readonly string[] {
  const removed = new Set(gone.map(({ recipient }) => recipient))
  return (repository) => recipientsOf(config, repository).filter((recipient) => !removed.has(recipient))
}

function recipientsOf({ repositories }: Config, name: string): readonly string[] {
  return repositories[name]?.recipients ?? []
}

async function run(wires: Wires, order: KeyChangeOrder, passwords: KeyPasswords, context: Context): Promise<KeyChange> {
  switch (order.act) {
    case 'add':
      return await add(wires, order.name, required(passwords.fresh), context)
    case 'remove':
      return await remove(wires, order.name, context)
    case 'change-password': {
      const both = { old: required(passwords.current), new: required(passwords.fresh) }
      return changed(
        await each(wires, order.name, context, (storage) => changePassword(storage, order.name, both, context)),
      )
    }
    case 'export':
      return await exportTo(wires, order, required(passwords.current), context)
    case 'rewrap':
      return await rewrapFor(wires, (repository) => recipientsOf(wires.config, repository), context)
  }
}

function required(password: Secret | undefined): Secret {
  if (password === undefined) throw new Failure('usage', 'the change of a key lacks a password')
  return password
}

async function list({ config, storage }: Wires, context: Context): Promise<readonly ListedKey[]> {
  const lists = await Promise.all(
    Object.entries(config.repositories).map(async ([repository, { recipients }]) =>
      (await listIdentities(await storage(repository), context)).map(({ name, recipient, created }) => ({
        repository,
        name,
        recipient,
        created,
        inUse: recipients.includes(recipient),
      })),
    ),
  )
  return lists.flat()
}

/** Locked key first, then the configuration, then old points: at no moment is a point encrypted to a key that nobody has. */
async function add(wires: Wires, name: string, password: Secret, context: Context): Promise<KeyChange> {
  const pair = await generateKeyPair()
  const signers = await wires.keyRing.trustedSigners()
  for (const repository of Object.keys(wires.config.repositories))
    await addIdentity(await wires.storage(repository), { name, password, signers, key: pair.key }, context)
  const recipients = (repository: string): readonly string[] => [
    ...new Set([...recipientsOf(wires.config, repository), pair.recipient]),
  ]
  await writeRecipients(wires.config, recipients)
  return { ...(await rewrapFor(wires, recipients, context)), recipient: pair.recipient }
}

/** The configuration first, so that no backup that runs meanwhile encrypts to the key; the locked key last, so that a cut-off removal can be repeated. */
async function remove(wires: Wires, name: string, context: Context): Promise<KeyChange> {
  const gone = (await list(wires, context)).filter((key) => key.name === name)
  const recipients = recipientsWithout(wires.config, gone)
  await writeRecipients(wires.config, recipients)
  const change = await rewrapFor(wires, recipients, context)
  await each(wires, name, context, (storage) => removeIdentity(storage, name, context))
  return change
}

async function exportTo(
  wires: Wires,
  { name, file }: { readonly name: string; readonly file: string },
  password: Secret,
  context: Context,
): Promise<KeyChange> {
  const repository = (await list(wires, context)).find((key) => key.name === name)?.repository ?? ''
  const text = await exportIdentity(await wires.storage(repository), name, password, context)
  await writeNewFile(file, text.reveal())
  return changed([repository])
}

async function rewrapFor(
  wires: Wires,
  recipients: (repository: string) => readonly string[],
  context: Context,
): Promise<KeyChange> {
  let rewrapped = 0
  for (const target of wires.repositories.values()) {
    rewrapped += await rewrapAll(
      await target.open(context),
      await wires.keyRing.identities(),
      recipients(target.name),
      context,
    )
  }
  return { repositories: [...wires.repositories.keys()], rewrapped }
}

async function each(
  { config, storage }: Wires,
  name: string,
  context: Context,
  act: (storage: Storage) => Promise<void>,
): Promise<readonly string[]> {
  const having: string[] = []
  for (const repository of Object.keys(config.repositories)) {
    const opened = await storage(repository)
    if (!(await listIdentities(opened, context)).some((identity) => identity.name === name)) continue
    await act(opened)
    having.push(repository)
  }
  return having
}

function changed(repositories: readonly string[]): KeyChange {
  return { repositories, rewrapped: 0 }
}

async function writeRecipients(config: Config, recipients: (repository: string) => readonly string[]): Promise<void> {
  const all = Object.fromEntries(
    Object.keys(config.repositories).map((repository) => [repository, recipients(repository)]),
  )
  await replaceFile(config.path, withKeys(await readFile(config.path, 'utf8'), { recipients: all }))
}
