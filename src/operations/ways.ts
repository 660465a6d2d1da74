import { Failure } from '../core/failure.ts'
import type { Context } from '../core/ports.ts'
import { platforms } from '../platforms/all.ts'
import { Reached } from '../platforms/reached.ts'
import type { PlatformSettings, ReachSettings } from '../platforms/settings.ts'
import type { Through } from '../platforms/through.ts'
import { SecretReference } from '../system/secret-reference.ts'

type Settings = Readonly<Record<string, unknown>> & { readonly reach?: ReachSettings | undefined }

/** The ways into containers of one configuration, each opened when it is first needed. */
export class Ways {
  readonly #open: Reached[] = []
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /** The settings with the way to the server, and with secrets that are read where it runs. */
  wired(settings: Settings, platform: PlatformSettings | undefined): Settings {
    if (settings.reach === undefined) return settings
    const through = this.#way(settings.reach, platform)
    return { ...Object(this.#bound(settings, through)), through }
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((way) => way.close()))
  }

  #way(reach: ReachSettings, platform: PlatformSettings | undefined): Through {
    const kind = platforms.find((one) => one.kind === platform?.kind)
    // That they are of one kind is a rule of the configuration.
    if (kind?.inside === undefined || platform === undefined)
      throw new Failure('bug', `no platform for a reach of kind ${reach.kind}`)
    const way = new Reached(kind.inside, platform, reach, this.#context)
    this.#open.push(way)
    return way
  }

  /** Secrets at whatever depth: a login of OpenBao is one of several. */
  #bound(value: unknown, through: Through): unknown {
    if (value instanceof SecretReference) return value.readInside((name) => through.variable(name, this.#context))
    if (Array.isArray(value)) return value.map((one) => this.#bound(one, through))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.#bound(one, through)]))
  }
}
