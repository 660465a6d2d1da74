import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runQuietly, runVisibly } from './run.ts'

/** A program that tests or the demo need, where it may be, and the Debian package that brings it. */
interface Need {
  readonly program: string
  readonly folders?: string
  readonly debian: string
  readonly part: string
  /** Ends with 0 only if the program can do what it is needed for. */
  readonly probe?: readonly string[]
}

const needs: readonly Need[] = [
  { program: 'initdb', folders: '/usr/lib/postgresql/*/bin', debian: 'postgresql', part: 'postgres' },
  { program: 'pg_dump', folders: '/usr/lib/postgresql/*/bin', debian: 'postgresql-client', part: 'postgres' },
  // An extension that is bound to one database and a library that the server loads: the server of Debian 12.
  {
    program: 'pg_cron.so',
    folders: '/usr/lib/postgresql/*/lib',
    debian: 'postgresql-15-cron',
    part: 'postgres',
  },
  { program: 'zstd', debian: 'zstd', part: 'python' },
  { program: 'age', debian: 'age', part: 'python' },
  { program: 'python3', debian: 'python3-venv', part: 'python', probe: ['-c', 'import ensurepip'] },
  // Where Go is missing, the toolchain of these three comes as a Python package.
  { program: 'python3', debian: 'python3-venv', part: 's3', probe: ['-c', 'import ensurepip'] },
  { program: 'python3', debian: 'python3-venv', part: 'kubernetes', probe: ['-c', 'import ensurepip'] },
  // A real node for pods.
  { program: 'containerd', debian: 'containerd', part: 'node' },
  { program: 'runc', folders: '/usr/sbin', debian: 'runc', part: 'node' },
  { program: 'bridge', folders: '/usr/lib/cni', debian: 'containernetworking-plugins', part: 'node' },
  { program: 'busybox', debian: 'busybox-static', part: 'node' },
  { program: 'ip', folders: '/usr/sbin', debian: 'iproute2', part: 'node' },
  { program: 'python3', debian: 'python3-venv', part: 'docker', probe: ['-c', 'import ensurepip'] },
  // The container engine runs in namespaces of its own.
  { program: 'unshare', debian: 'util-linux', part: 'docker' },
  { program: 'ip', folders: '/usr/sbin', debian: 'iproute2', part: 'docker' },
  // A socket proxy with the rules that are printed.
  { program: 'apache2', folders: '/usr/sbin', debian: 'apache2', part: 'docker' },
  { program: 'tar', debian: 'tar', part: 'files' },
  // A systemd of the tests, and what lets a user without rights stop and start its units.
  { program: 'systemd', folders: '/lib/systemd', debian: 'systemd', part: 'host' },
  { program: 'sudo', debian: 'sudo', part: 'host' },
  { program: 'dbus-daemon', debian: 'dbus', part: 'host' },
  { program: 'polkitd', folders: '/usr/lib/polkit-1', debian: 'polkitd', part: 'host' },
  // Programs that a relay may be, and shells that complete commands.
  { program: 'socat', debian: 'socat', part: 'host' },
  { program: 'nc.traditional', debian: 'netcat-traditional', part: 'host' },
  { program: 'zsh', debian: 'zsh', part: 'host' },
  { program: 'fish', debian: 'fish', part: 'host' },
  { program: 'setpriv', debian: 'util-linux', part: 'postgres' },
  // The applications of test/zoo run in a network namespace.
  { program: 'ip', folders: '/usr/sbin', debian: 'iproute2', part: 'postgres' },
  // PostgreSQL's own regression tests need a library of their own.
  { program: 'cc', debian: 'gcc', part: 'postgres' },
  {
    program: 'cc',
    debian: 'libc6-dev',
    part: 'postgres',
    probe: ['-E', '-include', 'stdio.h', '-x', 'c', '/dev/null'],
  },
]

/** Installs the Debian packages of what is missing; where that is not possible, says which to install and ends. */
export async function installMissing(without: readonly string[]): Promise<void> {
  const missing = await missingOf(needs.filter((need) => !without.includes(need.part)))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(({ debian }) => debian))]
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(
      `Missing: ${missing.map(({ program }) => program).join(', ')}. Install the Debian packages ${packages.join(' ')} (or what your system calls them), or run as root on Debian.`,
    )
    process.exit(20)
  }
  console.error(`Installing Debian packages (once): ${packages.join(' ')} …`)
  await withoutMainCluster(packages)
  const code = (await aptInstall(packages)) || ((await missingOf(missing)).length > 0 ? 1 : 0)
  if (code !== 0) {
    console.error(`apt-get could not install ${packages.join(' ')}.`)
    process.exit(20)
  }
}

async function missingOf(wanted: readonly Need[]): Promise<readonly Need[]> {
  const missing: Need[] = []
  for (const need of wanted) {
    const works = isThere(need) && (need.probe === undefined || (await runQuietly(need.program, need.probe)).code === 0)
    if (!works) missing.push(need)
  }
  return missing
}

function isThere({ program, folders }: Need): boolean {
  const path = (process.env['PATH'] ?? '').split(delimiter)
  return [...path, ...(folders === undefined ? [] : globSync(folders))].some((folder) =>
    existsSync(join(folder, program)),
  )
}

/** Debian makes and starts a cluster when it installs a server; nobody asked for one here. */
async function withoutMainCluster(packages: readonly string[]): Promise<void> {
  if (!packages.includes('postgresql')) return
  await aptInstall(['postgresql-common'])
  await runQuietly('sed', [
    '-i',
    's/^#*create_main_cluster.*/create_main_cluster = false/',
    '/etc/postgresql-common/createcluster.conf',
  ])
}

async function aptInstall(packages: readonly string[]): Promise<number> {
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  const environment = { DEBIAN_FRONTEND: 'noninteractive' }
  const first = await runQuietly('apt-get', install, environment)
  if (first.code === 0) return 0
  await runQuietly('apt-get', ['update', '-q'], environment)
  return await runVisibly('apt-get', install, environment)
}
