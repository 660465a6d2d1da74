import { findConfig } from '../config/find-config.ts'
import { loadConfig, type Config } from '../config/load-config.ts'
import { drivers } from '../components/all.ts'
import { Failure, isFailure } from '../core/failure.ts'
import type { Context, Records } from '../core/ports.ts'
import type { Finding } from '../core/restore-point.ts'
import type { App, AppRepository, OperationContext } from '../operations/app.ts'
import type { Assembly, AssemblyPorts, AssemblyRequest } from '../operations/assembly.ts'
import { componentSchemas } from '../operations/component-schemas.ts'
import { profileNamed } from '../profiles/all.ts'
import { declared } from '../profiles/use-recipe.ts'
import { Ways } from '../operations/ways.ts'
import { platforms } from '../platforms/all.ts'
import type { ServerAddress } from '../platforms/server-address.ts'
import { fingerprintKeyOf } from '../repository/fingerprint-key.ts'
import { recordsMemory } from '../repository/memory.ts'
import { openRepository } from '../repository/open.ts'
import type { Repository } from '../repository/repository.ts'
import { probeStorage } from '../storage/probe.ts'
import type { Storage } from '../storage/storage.ts'
import { processEnvironment } from '../system/environment.ts'
import { newId } from '../system/identifiers.ts'
import { software } from '../system/process/software.ts'
import { runningOperations } from '../system/process/this-process.ts'
import { pageCookie } from '../system/page-cookie.ts'
import { makeTemporaryFolder, removeAbandonedFolders, removeTemporaryFolder } from '../system/files/temporary-folder.ts'
import { configuredKeyChain } from '../operations/keys/key-administration.ts'
import { IdentityProvider } from '../operations/keys/identity-provider.ts'
import { knownRecipients } from '../operations/keys/known-recipients.ts'
import { stateRecords } from '../operations/storages/state-folder.ts'
import { forgetStorage, kindOf, openConfiguredStorage } from '../operations/storages/configured-storage.ts'

/** Reads the configuration and wires apps, repositories, drivers and keys. Opens nothing yet. */
export async function assemble(request: AssemblyRequest, ports: AssemblyPorts, context: Context): Promise<Assembly> {
  await removeAbandonedFolders()
  const environment = processEnvironment()
  const config = await loadConfig(await findConfig(request.config, environment), { componentSchemas, environment })
  const records = stateRecords(config.stateFolder, context.effects)
  const storage = once((name) =>
    openConfiguredStorage(name, configOf(config, name), { records, readOnly: request.readOnly === true }, context),
  )
  const { password, isAsked, toBackground } = ports
  const keyRing = new IdentityProvider({ config, password, isAsked, storage, context })
  const repositories = repositoriesOf(config, { storage, keyRing, records })
  const background = toBackground === undefined ? {} : { toBackground }
  // Whoever is stopped still needs the way to bring back what was there; the end of the assembly closes it.
  const ways = new Ways({ ...context, signal: new AbortController().signal })
  const operationContext = { ...operationContextOf(context, records, keyRing), ...background }
  return {
    configPath: config.path,
    warnings: config.warnings,
    alarms: config.alarms,
    apps: appsOf(config, repositories, ways),
    repositories: [...repositories.values()],
    context: operationContext,
    keys: configuredKeyChain({ config, storage, keyRing, repositories }),
    close: () => ways.close(),
  }
}

function operationContextOf(context: Context, records: Records, keyRing: IdentityProvider): OperationContext {
  return {
    ...context,
    newId,
    records,
    software,
    pageCookie,
    identities: () => keyRing.identities(),
    identitiesAtHand: () => keyRing.identitiesAtHand(),
    fingerprintKey: async (app) => fingerprintKeyOf(await keyRing.signer(), app),
    removeScratchFolder: removeTemporaryFolder,
    processes: runningOperations(),
    async scratchFolder() {
      const path = await makeTemporaryFolder('kept')
      return { path, remove: () => removeTemporaryFolder(path) }
    },
  }
}

interface Wires {
  readonly storage: (name: string) => Promise<Storage>
  readonly keyRing: IdentityProvider
  readonly records: Records
}

function repositoriesOf(config: Config, wires: Wires): ReadonlyMap<string, AppRepository> {
  const open = once((name, context: Context) => openConfigured(name, wires, context))
  const entries = Object.entries(config.repositories).map(([name, settings]): [string, AppRepository] => [
    name,
    {
      name,
      location: settings.url,
      recipients: settings.recipients,
      open: (context) => open(name, context),
      knownRecipients: (context) => knownRecipients(name, { config, storage: wires.storage }, context),
      place: () => kindOf(settings).place(settings),
      probe: (context) => tryOut(name, wires, context),
    },
  ])
  return new Map(entries)
}

/** What was remembered of the storage is forgotten when it is no longer so. */
async function tryOut(
  name: string,
  { storage, records }: Wires,
  { clock, signal }: Context,
): Promise<readonly Finding[]> {
  const { createOnly, findings } = await probeStorage(await storage(name), clock, signal)
  if (!createOnly) await forgetStorage(name, records)
  return findings
}

async function openConfigured(
  name: string,
  { storage, keyRing, records }: Wires,
  context: Context,
): Promise<Repository> {
  const signer = await keyRing.signer()
  const options = {
    trustedSigners: await keyRing.trustedSigners(),
    memory: recordsMemory(prefixed(records, 'repository-')),
    software,
  }
  return await openRepository(await storage(name), { ...options, ...(signer === undefined ? {} : { signer }) }, context)
}

function prefixed(records: Records, prefix: string): Records {
  return {
    save: (name, value) => records.save(prefix + name, value),
    load: (name) => records.load(prefix + name),
    remove: (name) => records.remove(prefix + name),
    list: async () =>
      (await records.list()).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
  }
}

function appsOf(config: Config, repositories: ReadonlyMap<string, AppRepository>, ways: Ways): readonly App[] {
  const apps: readonly App[] = Object.entries(config.apps).map(([name, app]) => ({
    name,
    neighbours: () => apps,
    retention: app.retention,
    intervalMilliseconds: app.intervalMilliseconds,
    objectives: app.objectives,
    lostTogether: app.lostTogether,
    priority: app.priority,
    hooks: app.hooks,
    windows: app.windows,
    schedules: app.schedules,
    keyFit: app.keyFit.map(declared),
    ...adviceOf(app),
    ...platformOf(app),
    ...configurationOf(config, name),
    repositories: app.repositories.map((repository) =>
      present(repositories.get(repository), `repository ${repository}`),
    ),
    components: Object.entries(app.components).map(([component, { captureWhile, ...settings }]) => ({
      name: component,
      settings: ways.wired(settings, app.platform),
      captureWhile,
      driver: present(
        drivers.find(({ kind }) => kind === settings.kind),
        `driver ${settings.kind}`,
      ),
    })),
  }))
  return apps
}

function adviceOf({ profile }: Config['apps'][string]): Pick<App, 'advice'> {
  const advice = profile === undefined ? undefined : profileNamed(profile)?.advice
  return advice === undefined ? {} : { advice }
}

function platformOf({ platform: settings, components, hooks }: Config['apps'][string]): Pick<App, 'platform'> {
  if (settings === undefined) return {}
  const kind = present(
    platforms.find((one) => one.kind === settings.kind),
    `platform ${settings.kind}`,
  )
  const inside = Object.values(hooks).flatMap((list) => list.flatMap(({ where }) => (where === 'here' ? [] : [where])))
  const reaches = [...Object.values(components).flatMap(reachOf), ...inside]
  return { platform: { kind, settings, reaches, servers: serversOf(components) } }
}

/** What rights it takes also depends on who reads the folder. */
function reachOf({ reach, via }: Config['apps'][string]['components'][string]): unknown[] {
  return reach === undefined ? [] : [via === 'helper' ? { ...reach, byHelper: true } : reach]
}

/** Of the components that name no container. */
function serversOf(components: Config['apps'][string]['components']): readonly ServerAddress[] {
  return Object.entries(components).flatMap(([component, { captureWhile: _captureWhile, ...settings }]) => {
    if (settings.reach !== undefined) return []
    const at = drivers.find(({ kind }) => kind === settings.kind)?.server?.(settings)
    return at === undefined ? [] : [{ component, at }]
  })
}

function configurationOf({ carried }: Config, app: string): Pick<App, 'configuration'> {
  const configuration = carried[app]
  return configuration === undefined ? {} : { configuration }
}

/** The configuration was validated: what it refers to is there. */
function present<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Failure('bug', `no ${what}`)
  return value
}

function configOf(config: Config, name: string): Config['repositories'][string] {
  return present(config.repositories[name], `repository ${name}`)
}

/** How long nobody asks again who did not answer. */
const SILENCE_MILLISECONDS = 60_000

/** Opens each name once; a failed opening may be tried again, of one that did not answer after a minute. */
function once<Value, Rest extends unknown[]>(
  open: (name: string, ...rest: Rest) => Promise<Value>,
): (name: string, ...rest: Rest) => Promise<Value> {
  const opened = new Map<string, Promise<Value>>()
  return (name, ...rest) => {
    const known = opened.get(name)
    if (known !== undefined) return known
    const opening = open(name, ...rest)
    opened.set(name, opening)
    // One that does not answer has been tried for long enough: whoever asks next in this minute hears the same at once.
    opening.catch((error: unknown) => {
      const forget = (): boolean => opened.delete(name)
      if (isFailure(error, 'unreachable')) setTimeout(forget, SILENCE_MILLISECONDS).unref()
      else forget()
    })
    return opening
  }
}
