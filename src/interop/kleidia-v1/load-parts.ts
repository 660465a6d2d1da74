import { Failure } from '../../core/failure.ts'
import type { SecretLists } from '../../components/capabilities/secret-lists.ts'
import type { Driver } from '../../components/driver.ts'
import type { DumpOrigin } from '../../components/capabilities/dumps.ts'
import type { Staged } from './read/stage-kleidia.ts'
import type { App, AppComponent, OperationContext } from '../../operations/app.ts'
import { hasDumps, type WithDumps } from '../../operations/import/import.ts'
import { about } from '../../operations/source.ts'

/** The parts of a backup as components that can be captured. */
export interface LoadedParts {
  readonly components: readonly AppComponent[]
  /** What the app has besides. */
  readonly missing: readonly AppComponent[]
  close(): Promise<void>
}

export interface PartsRequest {
  readonly origin: Pick<DumpOrigin, 'source' | 'sha256' | 'bytes'>
  readonly folder: string
  readonly mount?: string | undefined
  readonly components?: readonly string[] | undefined
  readonly trusted: boolean
  readonly withoutRows?: boolean | undefined
}

/** Finds a component of the app for each part, and fails before anything is stored when there is none or a part is refused. */
export async function loadParts(
  app: App,
  staged: Staged,
  request: PartsRequest,
  context: OperationContext,
): Promise<LoadedParts> {
  const database = staged.sql === undefined ? undefined : theComponent(app, hasDumps, 'a database', request)
  const secrets = staged.secrets === undefined ? undefined : theComponent(app, hasSecretLists, 'secrets', request)
  // Quick, and refuses what no server takes; so it comes first.
  const taken = secrets && (await takeSecrets(secrets, staged, request, context))
  const loaded = database && (await loadDatabase(database, staged, request, context))
  const parts = [loaded?.component, taken].filter((part) => part !== undefined)
  if (parts.length === 0) throw new Failure('unsupported', 'there is neither a database nor a secret in it')
  return {
    components: parts,
    missing: app.components.filter(({ name }) => !parts.some((part) => part.name === name)),
    close: async () => loaded?.close(),
  }
}

async function takeSecrets(
  component: WithSecretLists,
  { secrets, contents }: Staged,
  { origin, mount }: PartsRequest,
  { clock }: OperationContext,
): Promise<AppComponent> {
  const { name, driver, settings } = component
  // The file's remarks say when it does not tell its time.
  const created = contents.truth.created ?? clock.now().toISOString()
  const list = { origin, created, place: mount, secrets: secrets ?? nothing }
  const taken = await driver.secretLists.take(settings, list)
  return { name, settings, driver: { ...driver, capture: (_settings, sink) => taken.capture(sink) } }
}

async function* nothing(): AsyncGenerator<never, void, void> {}

async function loadDatabase(
  component: WithDumps,
  { sql }: Staged,
  { origin, folder, trusted, withoutRows }: PartsRequest,
  context: OperationContext,
): Promise<{ readonly component: AppComponent; readonly close: () => Promise<void> }> {
  const { name, driver } = component
  const file = { format: 'sql', path: sql?.path ?? '', name: origin.source } as const
  const request = { ...file, trusted, withoutRows, withPasswords: false, scratchFolder: folder }
  const loaded = await driver.dumps.load(component.settings, request, context).catch((error: unknown) => {
    // The executor knows the SQL by the path of a file without a name.
    throw about(origin.source, error)
  })
  const capture: Driver['capture'] = async (settings, sink, inner) =>
    loaded.complete(await driver.capture(settings, sink, inner), sink)
  return { component: { name, settings: loaded.settings, driver: { ...driver, capture } }, close: () => loaded.close() }
}

export type WithSecretLists = AppComponent & { readonly driver: Driver & { readonly secretLists: SecretLists } }

export function hasSecretLists(component: AppComponent): component is WithSecretLists {
  return component.driver.secretLists !== undefined
}

function theComponent<Kind extends AppComponent>(
  app: App,
  fits: (component: AppComponent) => component is Kind,
  what: string,
  { components: chosen }: Pick<PartsRequest, 'components'>,
): Kind {
  const fitting = app.components.filter(fits)
  const named = fitting.filter(({ name }) => chosen?.includes(name) === true)
  const [only, ...more] = named.length > 0 ? named : fitting
  if (only !== undefined && more.length === 0) return only
  const names = fitting.map(({ name }) => name).join(', ')
  throw new Failure('usage', `the backup has ${what}, and app ${app.name} has ${fitting.length} components for it`, {
    hint:
      names === ''
        ? 'Add a component of kind postgres or openbao to the app, or only unpack the file.'
        : `Name one with --component: ${names}.`,
  })
}
