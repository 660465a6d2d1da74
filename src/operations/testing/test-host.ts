import { rm } from 'node:fs/promises'
import type { Clock, Effects, Progress, Records } from '../../core/ports.ts'
import { noRules } from '../../core/testing/no-rules.ts'
import type { Driver } from '../../components/driver.ts'
import { createRepository } from '../../repository/create.ts'
import { generateKeyPair } from '../../repository/keys/age-keys.ts'
import { generateSigner } from '../../repository/keys/signer.ts'
import { recordsMemory } from '../../repository/memory.ts'
import { openRepository } from '../../repository/open.ts'
import type { PointReader, Repository } from '../../repository/repository.ts'
import { memoryStorage } from '../../storage/testing/memory.ts'
import type { Storage } from '../../storage/storage.ts'
import { retrying } from '../../storage/wrap/retrying.ts'
import { withEffects } from '../../storage/wrap/with-effects.ts'
import { systemClock } from '../../system/clock.ts'
import { directEffects } from '../../system/effects.ts'
import { folderRecords } from '../../system/files/folder-records.ts'
import { runningOperations } from '../../system/process/this-process.ts'
import { makeTemporaryFolder } from '../../system/files/temporary-folder.ts'
import type { App, AppComponent, AppRepository, OperationContext } from '../app.ts'
import { drain } from '../source.ts'
import { textDriver, type TextPlace } from './text-driver.ts'

const HOUR = 3_600_000
const SOFTWARE = 'holdfast test'
const { signer } = generateSigner()
export const pair = await generateKeyPair()
export const otherPair = await generateKeyPair()

/** The machine's clock, whose wall time a test moves. */
export class ShiftedClock implements Clock {
  #shift = 0
  readonly monotonic = (): number => systemClock.monotonic()
  readonly sleep = (milliseconds: number, signal: AbortSignal): Promise<void> => systemClock.sleep(milliseconds, signal)

  now(): Date {
    return new Date(systemClock.now().getTime() + this.#shift)
  }

  passHours(hours: number): void {
    this.#shift += hours * HOUR
  }
}

/** Somewhere that operations run whole: repositories in memory, records in a folder, ids that repeat from run to run. */
export interface TestHost {
  readonly clock: ShiftedClock
  readonly storages: readonly Storage[]
  readonly events: readonly Progress[]
  readonly records: string
  /** What a process has whose effects are these. Each call is another process. */
  context(effects?: Effects): OperationContext
  app(components: readonly AppComponent[], effects?: Effects, change?: Partial<App>): App
  repository(index?: number, effects?: Effects): Promise<Repository>
  close(): Promise<void>
}

export interface WorkshopOptions {
  /** One by default. */
  readonly storages?: readonly Storage[]
  readonly clock?: ShiftedClock
}

export async function newTestHost(options: WorkshopOptions = {}): Promise<TestHost> {
  const { clock = new ShiftedClock() } = options
  const { storages = [memoryStorage({ clock })] } = options
  const records = await makeTemporaryFolder()
  const events: Progress[] = []
  const repositories: string[] = []
  const recordsOf = (effects: Effects): Records => folderRecords(records, withStableNames(effects, repositories))
  let ids = 0
  const context = (effects: Effects = directEffects): OperationContext => ({
    clock,
    effects,
    signal: new AbortController().signal,
    progress: (event) => void events.push(event),
    newId: () => (ids += 1).toString(16).padStart(32, '0'),
    records: recordsOf(effects),
    software: SOFTWARE,
    scratchFolder: async () => {
      const path = await makeTemporaryFolder()
      return { path, remove: () => rm(path, { recursive: true, force: true }) }
    },
    removeScratchFolder: (path) => rm(path, { recursive: true, force: true }),
    processes: runningOperations(),
    identities: () => Promise.resolve([pair]),
  })
  for (const storage of storages)
    repositories.push((await createRepository(storage, { software: SOFTWARE }, context())).repository)
  const repository: TestHost['repository'] = (index = 0, effects = directEffects) => {
    const storage = storages[index]
    if (storage === undefined) throw new Error(`the workshop has ${storages.length} repositories`)
    const memory = recordsMemory(recordsOf(effects))
    const leaseTiming = { ttlMilliseconds: 600, pollMilliseconds: 50 }
    const opened = retrying(withEffects(storage, effects), { firstPause: 1 })
    return openRepository(
      opened,
      { signer, trustedSigners: [signer.id], memory, software: SOFTWARE, host: 'here', leaseTiming },
      context(effects),
    )
  }
  const targets = (effects?: Effects): readonly AppRepository[] =>
    storages.map((storage, index) => ({
      name: `repository-${index}`,
      location: storage.location,
      recipients: [pair.recipient],
      open: () => repository(index, effects),
    }))
  return {
    clock,
    storages,
    events,
    records,
    context,
    app: (components, effects, change = {}) => ({
      name: 'portal',
      components,
      repositories: targets(effects),
      retention: { ...noRules, last: 2 },
      intervalMilliseconds: 1_000 * HOUR,
      ...change,
    }),
    repository,
    close: () => rm(records, { recursive: true, force: true }),
  }
}

/** Ids of repositories and files of locks are random, and effects have stable names. */
function withStableNames(effects: Effects, ids: readonly string[]): Effects {
  const stable = (name: string): string =>
    ids
      .reduce((text, id, index) => text.replace(id, `repository-${index}`), name)
      .replace(/(record lock-.*-)[0-9a-f]{8}$/, '$1…')
  return { run: (name, act) => effects.run(stable(name), act) }
}

export function textComponent(place: TextPlace): AppComponent {
  return { name: place.name, driver: asDriver(textDriver), settings: { kind: 'text', place } }
}

/** A driver as an app holds it. Its settings are parsed by its own schema, which makes the widening safe. */
export function asDriver<Settings, Details>(driver: Driver<Settings, Details>): Driver {
  return driver
}

/** Opens a point and reads every artifact of it to its end. */
export async function readWhole(
  repository: Repository,
  point: string,
  context: OperationContext,
  identities = [pair],
): Promise<PointReader> {
  const reader = await repository.open(point, identities, context)
  await reader.checkPresence(context)
  for (const { artifacts } of reader.manifest.components) {
    for (const { number } of artifacts) await drain(reader.read(number, context))
  }
  return reader
}

export async function blobNames(storage: Storage, prefix = ''): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.list(prefix, new AbortController().signal)) names.push(name)
  return names
}
