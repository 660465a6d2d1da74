import { readFileSync } from 'node:fs'
import { readEnvFile, type Variable } from '../core/texts/env-file.ts'
import { Failure, systemFailure } from '../core/failure.ts'

/** `$NAME` and `${NAME}`, and `$$` for the sign itself, as Docker Compose has them in one file. */
const REFERENCE = /\$(?:\$|\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g

/** A variable of an environment file, with other variables of the same file put in. Never says a value. */
export function readVariable(file: string, name: string): string {
  const variables = readEnvFile(textOf(file))
  const found = variables.get(name)
  if (found === undefined)
    throw new Failure('notFound', `${file} has no variable ${name}`, {
      hint: `Its variables are ${[...variables.keys()].join(', ')}.`,
    })
  return found.differs === undefined ? found.value : putTogether(found.value, variables, `${name} of ${file}`)
}

function putTogether(value: string, variables: ReadonlyMap<string, Variable>, what: string): string {
  return value.replaceAll(REFERENCE, (whole, braced?: string, bare?: string) => {
    if (whole === '$$') return '$'
    const other = variables.get(braced ?? bare ?? '')
    if (other !== undefined && !other.value.includes('$')) return other.value
    throw new Failure('usage', `${what} refers to ${whole}, which is not in the file`, {
      hint: 'Docker Compose may take it from elsewhere. Write host, user, database and password into the configuration.',
    })
  })
}

/** Fails with what is wrong with the file, before anything is made that names it. */
export function assertEnvironmentFile(file: string): void {
  textOf(file)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const hint = 'Check that it is there, and that the user who runs Holdfast may read it and enter its folders.'
    throw systemFailure(`environment file ${file} cannot be read`, cause, hint)
  }
}
