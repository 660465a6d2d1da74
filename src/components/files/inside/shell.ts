import type { Bytes, Context } from '../../../core/ports.ts'
import { Failure } from '../../../core/failure.ts'
import type { Place } from '../../../platforms/place.ts'
import { provenOutput } from '../../../platforms/routes/proven-output.ts'
import type { Through } from '../../../platforms/through.ts'

/** Runs fixed texts by the `sh` of a container. */
export interface InsideShell {
  /** For people: `service web of compose project app`. */
  readonly name: string
  /** What the text writes to its standard output, proven whole. `parameters` are its $1, $2 and so on. */
  run(text: string, parameters: readonly string[], context: Context): Bytes
}

/** Of the container that runs the app. */
export function liveShell({ name, output }: Through): InsideShell {
  if (output === undefined) throw new Failure('bug', `no way to run programs in ${name}`)
  return {
    name,
    run: (text, parameters, context) =>
      output({ argv: () => argvOf(text, parameters), defaultPort: 0, password: undefined }, context),
  }
}

export function shellIn(place: Place): InsideShell {
  return {
    name: place.name,
    run: (text, parameters, context) => provenOutput(place, argvOf(text, parameters), undefined, context),
  }
}

/** In one locale: lengths are counted in bytes, and tar speaks English. */
function argvOf(text: string, parameters: readonly string[]): readonly [string, ...string[]] {
  return ['env', 'LC_ALL=C', 'sh', '-c', text, 'holdfast', ...parameters]
}
