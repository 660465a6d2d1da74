import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from '../../src/platforms/place.ts'
import { LocalPlace } from '../../src/platforms/testing/local-place.ts'
import { endServer, spawnDyingWithUs } from './child-server.ts'

/**
 * A place whose programs run in a namespace of processes of its own, as in a container: whoever loses its parent there becomes a
 * child of process 1. Needs root.
 */
export interface ProcessNamespace {
  readonly place: Place
  /** Kills the programs that were started from outside, with SIGKILL, and none that those started. */
  killStarted(): Promise<void>
  /** Waits until process 1 is alone. Gives how each orphan ended since the last call: `dd 0`, or `dd signal 13`. */
  orphans(): Promise<readonly string[]>
  /** Ends it with all that runs there. */
  end(): Promise<void>
}

/** Prints the name and the end of each process that was left to it. Nobody else is its child. */
const PROCESS_1 = String.raw`$| = 1;
while (1) {
  for my $pid (map { m{(\d+)$} } glob '/proc/[0-9]*') {
    open my $file, '<', "/proc/$pid/stat" or next;
    my ($name, $state, $parent) = (<$file> // '') =~ /\((.*)\) (\S) (\d+)/s or next;
    next if $state ne 'Z' || $parent != 1;
    waitpid $pid, 0;
    print "$name ", ($? & 127 ? 'signal ' . ($? & 127) : $? >> 8), "\n";
  }
  select undef, undef, undef, 0.01;
}`
const UNSHARE = ['--pid', '--fork', '--kill-child', '--mount-proc', '/usr/bin/perl', '-e', PROCESS_1]
const PATIENCE = 8000

export async function startProcessNamespace(environment: Readonly<Record<string, string>>): Promise<ProcessNamespace> {
  const unshare = spawnDyingWithUs('/usr/bin/unshare', UNSHARE, { stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  unshare.stdout?.setEncoding('utf8').on('data', (text: string) => (told += text))
  await once(unshare, 'spawn')
  const first = await childOf(unshare.pid ?? 0)
  const namespace = await namespaceOf(first)
  const programs = new LocalPlace({ environment })
  const inside = async (): Promise<readonly number[]> => {
    const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const found = await Promise.all(all.map(async (pid) => ((await namespaceOf(pid)) === namespace ? [pid] : [])))
    return found.flat().filter((pid) => pid !== first)
  }
  const place: Place = {
    name: programs.name,
    image: programs.image,
    addresses: () => Promise.resolve([]),
    variable: (name, context) => programs.variable(name, context),
    start: (argv, context) => programs.start(['/usr/bin/nsenter', '-t', `${first}`, '-p', '--', ...argv], context),
  }
  return {
    place,
    end: () => endServer(unshare),
    async killStarted() {
      const within = [first, ...(await inside())]
      for (const pid of within) if (pid !== first && !within.includes(await parentOf(pid))) kill(pid)
    },
    async orphans() {
      const end = Date.now() + PATIENCE
      while ((await inside()).length > 0 && Date.now() < end) await sleep(20)
      const left = await inside()
      if (left.length > 0) throw new Error(`${left.length} processes are left`)
      await sleep(50)
      const lines = told.split('\n').filter((line) => line !== '')
      told = ''
      return lines
    },
  }
}

async function childOf(parent: number): Promise<number> {
  for (let waited = 0; waited < 10_000; waited += 10) {
    // `setpriv` and `unshare` take the place of each other; the fork comes last.
    const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '')
    const pid = Number(children.trim().split(' ')[0])
    if (pid > 0 && /perl/.test(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))) return pid
    await sleep(10)
  }
  throw new Error('no namespace of processes can be made here')
}

const namespaceOf = (pid: number): Promise<string | undefined> => readlink(`/proc/${pid}/ns/pid`).catch(() => undefined)

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^PPid:\t(\d+)$/m.exec(status)?.[1])
}
