import { readFile } from 'node:fs/promises'
import { Failure } from '../../core/failure.ts'
import { Secret } from '../../core/secret.ts'

/** A file that an access to a cluster needs. The error of the system names the path and never the content. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Failure('notFound', `${path} cannot be read`, {
      cause,
      hint: 'Check that the file exists and that the user who runs Holdfast may read it.',
    })
  }
}

export async function readToken(path: string): Promise<Secret> {
  const token = (await readText(path)).trim()
  if (token === '') throw new Failure('usage', `the token file ${path} is empty`)
  return new Secret(token)
}
