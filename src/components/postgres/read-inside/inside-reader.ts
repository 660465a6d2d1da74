import { isFailure } from '../../../core/failure.ts'
import type { Bytes, Context } from '../../../core/ports.ts'
import { Secret } from '../../../core/secret.ts'
import type { Through } from '../../../platforms/through.ts'
import { addressOf, databaseConninfo, passwordOf, type Server } from '../connection/connection.ts'
import { DUMP_OPTIONS } from '../fingerprint/definitions.ts'

/** Reads a server by the programs of its own container. */
export interface InsideReader {
  /** For people: `pg_dump in service db of compose project app`. */
  readonly name: string
  /** A dump in plain SQL, which programs of any version here can take. It ends without an error only when it is whole. */
  dump(database: string, context: Context): Bytes
  /** Fails where the container lacks what `dump` needs. */
  version(context: Context): Promise<string>
}

/** Undefined where a way leads to the server, and where the configuration wants one without exec. */
export async function insideReader(server: Server, context: Context): Promise<InsideReader | undefined> {
  const { through } = server
  if (through?.output === undefined) return undefined
  try {
    await addressOf(server, context)
    return undefined
  } catch (error) {
    if (isFailure(error, 'unsupported')) return readerBy(through, through.output, server)
    throw error
  }
}

function readerBy({ name }: Through, output: NonNullable<Through['output']>, server: Server): InsideReader {
  const { port: defaultPort, user } = server
  return {
    name: `pg_dump in ${name}`,
    async *dump(database, context) {
      const text = await passwordOf(server)
      const password = text === undefined ? undefined : new Secret(text)
      const options = ['--format=plain', '--create', '--no-password', ...DUMP_OPTIONS, `--username=${user}`]
      const last = `--dbname=${databaseConninfo(database)}`
      yield* output(
        {
          argv: ({ host, port }) => ['pg_dump', ...options, `--host=${host}`, `--port=${port}`, last],
          defaultPort,
          password,
        },
        context,
      )
    },
    async version(context) {
      const program = { argv: () => ['pg_dump', '--version'] as const, defaultPort, password: undefined }
      const said: Uint8Array[] = []
      for await (const chunk of output(program, context)) said.push(chunk)
      return Buffer.concat(said).toString().trim()
    },
  }
}
