import { access, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failedFinding } from '../../../core/failed-finding.ts'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference, Finding } from '../../../core/restore-point.ts'
import { Secret } from '../../../core/secret.ts'
import type { ScratchTargetRequest, RestoreTarget, TargetState } from '../../target.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { applyAll, compareAll } from './apply.ts'
import { tooManyLost } from './apply-entry.ts'
import { SECRETS } from '../capture/capture.ts'
import { Client } from '../client/client.ts'
import { entriesOf } from '../client/lines.ts'
import { findMounts } from '../kv/mounts.ts'
import { otherProduct, productOf } from '../capture/product.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../schema.ts'
import { isSameConfig } from './same.ts'
import { drillSnapshot, whyNoDrill } from '../snapshot/snapshot-drill.ts'
import { configureMount, emptyMounts, targetMounts } from '../kv/target-mounts.ts'
import { findProgram, startThrowAway } from '../private-server/throw-away.ts'
import type { ThrowAwayServer } from '../private-server/throw-away.ts'
import { walk } from '../kv/walk.ts'

/** Restores into a throw-away server in memory, behind a socket that only we can reach: for drills. */
export class ScratchTarget implements RestoreTarget<OpenbaoDetails> {
  readonly #address: string
  readonly confirmation: string
  readonly #settings: OpenbaoSettings
  readonly #folder: string
  #server: ThrowAwayServer | undefined
  #source: ArtifactSource | undefined
  #snapshot: 'read' | { readonly why: string } | undefined

  constructor(settings: OpenbaoSettings, { scratchFolder, restoreId }: ScratchTargetRequest) {
    // What a restore may not do to the live server, a throw-away one is for.
    this.#settings = { ...settings, createMounts: true }
    this.#folder = join(scratchFolder, `openbao-${restoreId}`)
    this.#address = settings.address
    this.confirmation = settings.address
  }

  get description(): string {
    const secrets = `secrets of ${this.#address} on a throw-away server`
    if (this.#snapshot === undefined) return secrets
    return this.#snapshot === 'read'
      ? `${secrets}, and its raft snapshot on another, unsealed and read`
      : `${secrets}; its raft snapshot was NOT tried: ${this.#snapshot.why}`
  }

  rehearsed(): readonly string[] {
    return this.#snapshot === 'read' ? ['raft-snapshot'] : []
  }

  async state(): Promise<TargetState> {
    return access(this.#folder).then(
      () => 'staged',
      () => 'untouched',
    )
  }

  async preflight(): Promise<readonly Finding[]> {
    const subject = 'throw-away server'
    try {
      return [{ level: 'ok', subject, message: await findProgram(this.#settings.serverProgram) }]
    } catch (error) {
      return [failedFinding(subject, error)]
    }
  }

  async load(details: OpenbaoDetails, source: ArtifactSource, context: Context): Promise<void> {
    await this.discard(context)
    const program = await findProgram(this.#settings.serverProgram)
    await mkdir(this.#folder, { mode: 0o700 })
    this.#server = await startThrowAway({ program, folder: this.#folder, storage: 'inmem', context })
    this.#source = source
    await this.#withClient(context, async (client) => {
      const mounts = await targetMounts(details, this.#settings, client, context)
      const empty = await emptyMounts(mounts, client)
      await applyAll(entriesOf(source.read(SECRETS), details), { client, context, mounts, empty })
      for (const mount of details.mounts) await configureMount(mount, client, context)
    })
  }

  /** Every version of every secret, the number of secrets, and how the mounts are configured. */
  async compare(details: OpenbaoDetails, context: Context): Promise<readonly Difference[]> {
    const source = this.#source
    if (source === undefined)
      throw new Failure('refused', 'nothing was restored on a throw-away server', { hint: 'Load first.' })
    return [
      ...(await this.#compareSecrets(details, source, context)),
      ...(await this.#trySnapshot(details, source, context)),
    ]
  }

  async #trySnapshot(
    details: OpenbaoDetails,
    source: ArtifactSource,
    context: Context,
  ): Promise<readonly Difference[]> {
    const why = whyNoDrill(this.#settings, details) ?? (await this.#otherProgram(details, context))
    if (details.snapshot !== null && why !== undefined) this.#snapshot = { why }
    if (why !== undefined) return []
    const differences = await drillSnapshot(this.#settings, details, source, `${this.#folder}-snapshot`, context)
    if (differences.length === 0) this.#snapshot = 'read'
    return differences
  }

  #otherProgram(details: OpenbaoDetails, context: Context): Promise<string | undefined> {
    return this.#withClient(context, async (client) => {
      const why = otherProduct(details, await productOf(client))
      return why === undefined ? undefined : `${why}. Set serverProgram to a program of that server`
    })
  }

  #compareSecrets(details: OpenbaoDetails, source: ArtifactSource, context: Context): Promise<readonly Difference[]> {
    return this.#withClient(context, async (client) => [
      ...(await compareAll(
        entriesOf(source.read(SECRETS), details),
        (entry) => (entry.kv === 2 && tooManyLost(entry) ? 'current' : 'versions'),
        client,
      )),
      ...(await this.#compareMounts(details, client)),
    ])
  }

  async #compareMounts(details: OpenbaoDetails, client: Client): Promise<Difference[]> {
    const there = await findMounts({ ...this.#settings, mounts: details.mounts.map(({ path }) => path) }, client)
    const differences: Difference[] = []
    for (const { path, secrets, config } of details.mounts) {
      const mount = there.find((one) => one.path === path)
      let found = 0
      if (mount !== undefined) for await (const page of walk(mount, client)) found += page.secrets.length
      if (found !== secrets)
        differences.push({ subject: `mount ${path}`, expected: `${secrets} secrets`, found: `${found} secrets` })
      if (config !== null && !isSameConfig(config, mount?.config))
        differences.push({
          subject: `mount ${path}`,
          expected: JSON.stringify(config),
          found: JSON.stringify(mount?.config ?? null),
        })
    }
    return differences
  }

  runChecks(): Promise<readonly Difference[]> {
    return Promise.resolve([])
  }

  fence(): Promise<void> {
    return Promise.resolve()
  }

  swap(): Promise<void> {
    return Promise.reject(new Failure('refused', `${this.description} is not swapped`))
  }

  reopen(): Promise<void> {
    return Promise.resolve()
  }

  /** Also what an earlier process left: its servers ended with it. */
  async discard(context: Context): Promise<void> {
    if (this.#server === undefined && (await this.state()) === 'untouched') return
    await context.effects.run('openbao: remove the throw-away server', async () => {
      await this.#server?.kill()
      this.#server = undefined
      // The folder that the state is told from goes last.
      for (const left of [`${this.#folder}-snapshot`, this.#folder]) await rm(left, { recursive: true, force: true })
    })
  }

  undo(): Promise<void> {
    return Promise.reject(new Failure('refused', `${this.description} keeps nothing to undo`))
  }

  forget(): Promise<void> {
    return Promise.resolve()
  }

  async #withClient<Result>(context: Context, act: (client: Client) => Promise<Result>): Promise<Result> {
    if (this.#server === undefined)
      throw new Failure('refused', 'there is no throw-away server', { hint: 'Load first.' })
    const { address, rootToken } = this.#server
    const { workers, retrySeconds } = this.#settings
    const credentials = { type: 'token', token: new Secret(rootToken.reveal()) } as const
    const client = new Client(
      { address, namespace: undefined, ca: undefined, credentials, workers, retryMilliseconds: retrySeconds * 1000 },
      context,
    )
    try {
      return await act(client)
    } finally {
      await client.close()
    }
  }
}
