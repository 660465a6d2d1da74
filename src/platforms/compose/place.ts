import { networkInterfaces } from 'node:os'
import { Failure, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Address, Place, RunningProgram } from '../place.ts'
import type { EngineAddress } from './engine/access.ts'
import { EngineClient, withEngine } from './engine/client.ts'
import { inspectContainer, type ContainerRef, type InspectedContainer } from './engine/containers.ts'
import { startProgram } from './engine/exec.ts'
import { shown } from './engine/failures.ts'

const LARGEST_FILE = 65_536

/** One container, by its id. */
export class ContainerPlace implements Place {
  readonly name: string
  readonly image: string
  readonly #address: EngineAddress
  readonly #container: ContainerRef

  constructor(container: ContainerRef, image: string, address: EngineAddress) {
    this.name = `container ${container.name}`
    this.image = image
    this.#address = address
    this.#container = container
  }

  /**
   * Its addresses in networks whose bridge this host has. An engine elsewhere, or in a network of its own, may use addresses
   * that are somebody else's here; that is also true of published ports.
   */
  async addresses(port: number, context: Context): Promise<readonly Address[]> {
    const { NetworkSettings } = await this.#inspect(context)
    const here = networkInterfaces()
    return Object.values(NetworkSettings.Networks ?? {})
      .filter(({ IPAddress, NetworkID }) => IPAddress !== '' && here[`br-${NetworkID.slice(0, 12)}`] !== undefined)
      .map(({ IPAddress }) => ({ host: IPAddress, port }))
  }

  async start(argv: readonly [string, ...string[]], context: Context): Promise<RunningProgram> {
    const engine = new EngineClient(this.#address)
    try {
      const program = await startProgram(argv, this.#container, engine, context)
      void program.ended.catch(() => undefined).then(() => engine.close())
      return program
    } catch (error) {
      engine.close()
      throw error
    }
  }

  /** Of the container's environment; where it names a file as `<name>_FILE`, the content of that, as images read it. */
  async variable(name: string, context: Context): Promise<string | undefined> {
    const { Config } = await this.#inspect(context)
    const valueOf = (wanted: string): string | undefined =>
      Config.Env?.findLast((each) => each.startsWith(`${wanted}=`))?.slice(wanted.length + 1)
    const [value, file] = [valueOf(name), valueOf(`${name}_FILE`)]
    if ((value ?? '') !== '' || (file ?? '') === '') return value
    return (await this.#contentOf(file ?? '', name, context)).replace(/\n+$/, '')
  }

  async #inspect(context: Context): Promise<InspectedContainer> {
    return await withEngine(this.#address, (engine) => inspectContainer(this.#container, engine, context))
  }

  /** Read inside, by the container's own `cat`. */
  async #contentOf(path: string, name: string, context: Context): Promise<string> {
    const program = await this.start(['cat', '--', path], context).catch((cause: unknown) => {
      throw isFailure(cause, 'notFound') ? noCat(this.name, path, name, cause) : cause
    })
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of program.stdout) {
      chunks.push(Buffer.from(chunk as Uint8Array))
      length += chunks.at(-1)?.length ?? 0
      if (length > LARGEST_FILE) {
        program.stop()
        throw notRead(this.name, path, name, `it has more than ${LARGEST_FILE} bytes`)
      }
    }
    if ((await program.ended) !== 0) throw notRead(this.name, path, name, shown(program.stderr()))
    return Buffer.concat(chunks).toString('utf8')
  }
}

function noCat(place: string, path: string, name: string, cause: unknown): Failure {
  return new Failure('unsupported', `${place} has no cat, by which ${path} of ${name}_FILE would be read`, {
    cause,
    hint: 'Give the value by a file or command of this host instead.',
  })
}

function notRead(place: string, path: string, name: string, why: string): Failure {
  return new Failure('notFound', `${path}, which ${name}_FILE names in ${place}, cannot be read: ${why}`, {
    hint: 'Check the file, or give the value by a file or command of this host instead.',
  })
}
