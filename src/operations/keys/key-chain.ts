import { readFile } from 'node:fs/promises'
import type { Config } from '../../config/load-config.ts'
import { withKeys } from '../../config/with-keys.ts'
import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import type { AppRepository } from '../app.ts'
import type { KeyChain, KeyChange, ListedKey } from './keys.ts'
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
import { replaceFile, writeNewFile } from '../../system/private-file.ts'
import type { KeyRing } from './key-ring.ts'

interface Wires {
  readonly config: Config
  readonly storage: (repository: string) => Promise<Storage>
  readonly keyRing: KeyRing
  readonly repositories: ReadonlyMap<string, AppRepository>
}

/** The key chain over all repositories of a configuration. */
export function configuredKeyChain(wires: Wires): KeyChain {
  return {
    list: (context) => list(wires, context),
    add: (name, password, context) => add(wires, name, password, context),
    remove: (name, context) => remove(wires, name, context),
    changePassword: async (name, passwords, context) =>
      changed(await each(wires, name, context, (storage) => changePassword(storage, name, passwords, context))),
    exportTo: (name, password, file, context) => exportTo(wires, name, { password, file }, context),
    rewrap: (context) =>
      rewrapFor(wires, (repository) => wires.config.repositories[repository]?.recipients ?? [], context),
  }
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
    ...new Set([...(wires.config.repositories[repository]?.recipients ?? []), pair.recipient]),
  ]
  await writeRecipients(wires.config, recipients)
  return { ...(await rewrapFor(wires, recipients, context)), recipient: pair.recipient }
}

/** The configuration first, so that no backup that runs meanwhile encrypts to the key; the locked key last, so that a cut-off removal can be repeated. */
async function remove(wires: Wires, name: string, context: Context): Promise<KeyChange> {
  const gone = (await list(wires, context)).filter((key) => key.name === name)
  if (gone[0] === undefined)
    throw new Failure('notFound', `no repository has a private key ${name}`, { hint: 'holdfast key list shows them.' })
  const removed = new Set(gone.map(({ recipient }) => recipient))
  const recipients = (repository: string): readonly string[] =>
    (wires.config.repositories[repository]?.recipients ?? []).filter((recipient) => !removed.has(recipient))
  const empty = Object.keys(wires.config.repositories).find((repository) => recipients(repository).length === 0)
  if (empty !== undefined)
    throw new Failure('refused', `${name} is the last recipient of repository ${empty}`, {
      hint: 'Add another key first: without a recipient nobody could read the restore points.',
    })
  await writeRecipients(wires.config, recipients)
  const change = await rewrapFor(wires, recipients, context)
  await each(wires, name, context, (storage) => removeIdentity(storage, name, context))
  return change
}

async function exportTo(
  wires: Wires,
  name: string,
  { password, file }: { readonly password: Secret; readonly file: string },
  context: Context,
): Promise<KeyChange> {
  const repository = (await list(wires, context)).find((key) => key.name === name)?.repository
  if (repository === undefined)
    throw new Failure('notFound', `no repository has a private key ${name}`, { hint: 'holdfast key list shows them.' })
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
  if (having.length === 0)
    throw new Failure('notFound', `no repository has a private key ${name}`, { hint: 'holdfast key list shows them.' })
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
