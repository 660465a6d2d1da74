import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A real systemd as the first process of namespaces of its own, in a cgroup of its own. It knows only the units that it is given:
 * those of the machine, such as the one that clears /tmp at every start, must never run here. Needs root.
 */
const SYSTEMD = '/lib/systemd/systemd'
const PROJECT = join(import.meta.dirname, '../..')
const CGROUPS = '/sys/fs/cgroup'
/** What other units depend on by default. */
const TARGETS = ['default', 'basic', 'sysinit', 'shutdown', 'multi-user', 'timers', 'sockets', 'paths']

/** $1: the folder of the units, $3: the project, which may lie in /tmp. The folders that systemd writes to are its own; nothing it mounts is seen outside. */
const START = `set -e
mount --make-rprivate /
mkdir -p /run/holdfast-units
mount --bind "$1" /mnt
mount -t tmpfs none /run
mkdir -p /run/units /run/lock
cp /mnt/* /run/units/
umount /mnt
mkdir -p /run/project
mount --bind "$3" /run/project
for folder in /tmp /var/tmp /var/log /dev/shm; do mount -t tmpfs none "$folder"; done
mkdir -p "$3"
mount --move /run/project "$3"
mount -t tmpfs none ${CGROUPS}
if [ "$2" = unified ]; then mount -t cgroup2 cgroup2 ${CGROUPS}
else mkdir ${CGROUPS}/systemd; mount -t cgroup -o none,name=systemd cgroup ${CGROUPS}/systemd; fi
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/run/units SYSTEMD_PROC_CMDLINE= container=holdfast ${SYSTEMD} --system --unit=default.target --log-level=warning --log-target=console
`

export interface Systemd {
  /** Runs a program beside its units. */
  run(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly error: string }>
  stop(): Promise<void>
}

/** Why it cannot be had here; undefined where it can. */
export function whyNoSystemd(): string | undefined {
  if (!existsSync(SYSTEMD)) return 'systemd is not installed'
  return process.getuid?.() === 0 ? undefined : 'it needs root'
}

/** Starts one with these units, by name. */
export async function startSystemd(units: Readonly<Record<string, string>>): Promise<Systemd> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-systemd-'))
  const targets = TARGETS.map((name) => [`${name}.target`, '[Unit]\nDefaultDependencies=no\n'] as const)
  for (const [name, text] of [...targets, ...Object.entries(units)]) await writeFile(join(folder, name), text)
  const isUnified = !existsSync(join(CGROUPS, 'systemd'))
  const cgroup = join(CGROUPS, isUnified ? '' : 'systemd', `holdfast-${process.pid}-${folder.slice(-6)}`)
  await mkdir(cgroup)
  const spaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--ipc', '--uts', '--net', '--cgroup']
  const inCgroup = `echo $$ > '${cgroup}/cgroup.procs'; exec unshare ${spaces.join(' ')} /bin/sh -c "$1" sh "$2" "$3" "$4"`
  const how = isUnified ? 'unified' : 'legacy'
  const child = spawn('/bin/sh', ['-c', inCgroup, 'sh', START, folder, how, PROJECT], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let error = ''
  child.stderr.on('data', (chunk: Buffer) => (error = (error + chunk.toString()).slice(-4096)))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await untilGone(child)
    await removeCgroup(cgroup)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const first = await firstProcess(child)
    const run: Systemd['run'] = (...argv) => inside(first, argv)
    await untilAnswers(run)
    return { run, stop }
  } catch (cause) {
    await stop()
    throw new Error(`systemd did not start: ${error}`, { cause })
  }
}

/** By the id that it has outside. */
async function firstProcess({ pid }: ChildProcess): Promise<string> {
  for (let look = 0; look < 100; look += 1) {
    const [found] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
    if (found !== undefined && found !== '') return found
    await sleep(50)
  }
  throw new Error('it has no first process')
}

async function untilAnswers(run: Systemd['run']): Promise<void> {
  let last = ''
  for (let look = 0; look < 100; look += 1) {
    const { code, out, error } = await run('systemctl', 'is-active', 'default.target')
    if (code === 0) return
    last = `${out}${error}`
    await sleep(100)
  }
  throw new Error(`it does not answer: ${last}`)
}

function inside(first: string, argv: readonly string[]): ReturnType<Systemd['run']> {
  const command = ['-t', first, '--mount', '--pid', '--ipc', '--uts', '--net', '--', ...argv]
  return new Promise((resolve) =>
    execFile('nsenter', command, { timeout: 60_000 }, (failed, out, error) =>
      resolve({ code: failed === null ? 0 : typeof failed.code === 'number' ? failed.code : 1, out, error }),
    ),
  )
}

async function untilGone(child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) await sleep(20)
}

/** Inner ones first; each once its last process was reaped. */
async function removeCgroup(path: string): Promise<void> {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) await removeCgroup(join(path, entry.name))
  for (let look = 0; look < 100; look += 1) {
    const isRemoved = await rmdir(path).then(
      () => true,
      () => false,
    )
    if (isRemoved) return
    await sleep(50)
  }
}
