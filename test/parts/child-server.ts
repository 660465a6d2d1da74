import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { existsSync } from 'node:fs'

const SETPRIV = '/usr/bin/setpriv'

/** Starts a server with nothing of our environment. A test run that is killed must leave no server behind. */
export function spawnDyingWithUs(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'env' | 'uid' | 'gid' | 'stdio'> = {},
): ChildProcess {
  const [file, given] = existsSync(SETPRIV)
    ? [SETPRIV, ['--pdeathsig', 'KILL', '--', program, ...args]]
    : [program, args]
  return spawn(file, given, { env: {}, stdio: 'ignore', ...options })
}

/** Kills it; resolves once it is gone. */
export async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exit = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGKILL')
  await exit
}
