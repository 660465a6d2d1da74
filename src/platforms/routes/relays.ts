import type { Door } from './route.ts'
import { BASH_RELAY, NETCAT_RELAY, PERL_RELAY, PYTHON_RELAY } from './relay-texts.ts'

type Argv = readonly [string, ...string[]]

/** A program that joins its standard streams to a server. */
export interface Relay {
  /** For people. */
  readonly name: string
  /** Undefined for a door that it cannot reach. */
  readonly argv: (door: Door) => Argv | undefined
  /** See `RelayEnding`. */
  readonly tellsEnd: boolean
}

/** A program that may be there, and how to find out whether it can be a relay. */
export interface Candidate {
  readonly program: string
  /** Prints or exits, and does nothing else. */
  readonly probe: Argv
  /** What it can be, from the exit code and all that the probe printed; undefined for nothing. */
  readonly relay: (code: number, printed: string) => Relay | undefined
}

const HOST = '127.0.0.1'

/** Without `--norc` bash reads a file of its user where its input is a socket. */
const BASH_PROBE =
  'LC_ALL=C; type dd sleep >/dev/null || exit 1; (exec 3<>/dev/tcp/127.0.0.1/1); echo "bash ${BASH_VERSINFO[0]}"'

/** In the order in which they are tried: the fast ones that tell the end of a server come first. */
export const candidates: readonly Candidate[] = [
  {
    program: 'bash',
    probe: ['bash', '--norc', '-c', BASH_PROBE],
    relay: (_code, printed) => (canBash(printed) ? bash : undefined),
  },
  {
    program: 'perl',
    probe: ['perl', '-C0', '-e', 'use Socket; use POSIX (); print "can"'],
    relay: (code, printed) => (code === 0 && printed.includes('can') ? perl : undefined),
  },
  {
    program: 'python3',
    probe: ['python3', '-I', '-S', '-c', 'import socket, threading; print("can")'],
    relay: (code, printed) => (code === 0 && printed.includes('can') ? python : undefined),
  },
  {
    program: 'socat',
    probe: ['socat', '-V'],
    relay: (code) => (code === 0 ? socat : undefined),
  },
  { program: 'nc', probe: ['nc', '-h'], relay: (_code, printed) => netcatOf(['nc'], printed) },
  {
    program: 'busybox',
    probe: ['busybox', 'nc', '--help'],
    relay: (_code, printed) => netcatOf(['busybox', 'nc'], printed),
  },
]

/** `/dev/tcp` may be left out of a build, and then it is a missing file; a port where nobody listens is refused. */
function canBash(printed: string): boolean {
  const [, major = '0'] = /^bash (\d+)$/m.exec(printed) ?? []
  // `$BASHPID` came with 4.0.
  return Number(major) >= 4 && !/No such file/.test(printed)
}

const bash: Relay = {
  name: 'bash',
  tellsEnd: true,
  argv: ({ port, socket }) =>
    socket === undefined ? ['bash', '--norc', '-c', BASH_RELAY, 'relay', String(port)] : undefined,
}

const perl: Relay = { name: 'perl', tellsEnd: true, argv: (door) => ['perl', '-C0', '-e', PERL_RELAY, ...target(door)] }

const python: Relay = {
  name: 'python3',
  tellsEnd: true,
  argv: (door) => ['python3', '-I', '-S', '-c', PYTHON_RELAY, ...target(door)],
}

const socat: Relay = {
  name: 'socat',
  tellsEnd: false,
  argv: ({ port, socket }) => {
    // Commas, colons and others part its addresses.
    const to =
      socket === undefined ? `TCP4:${HOST}:${port}` : `UNIX-CONNECT:${socket.replace(/[^\w/.-]/g, String.raw`\$&`)}`
    return ['socat', '-t1', '-b65536', '-', to]
  },
}

function target({ port, socket }: Door): readonly [string, string] {
  return socket === undefined ? ['tcp', String(port)] : ['unix', socket]
}

/**
 * There are several programs of this name; what they print of themselves tells them apart. That of OpenBSD goes on when the
 * server has ended, until its input does, so it is none of them.
 */
function netcatOf(program: Argv, printed: string): Relay | undefined {
  const name = program.join(' ')
  const to = ({ port }: Door): Argv => [...program, HOST, String(port)]
  const shell = program[0] === 'busybox' ? (['busybox', 'sh'] as const) : (['sh'] as const)
  if (/^BusyBox/m.test(printed))
    return {
      name: `${name} (BusyBox)`,
      tellsEnd: true,
      argv: (door) => (door.socket === undefined ? [...shell, '-c', NETCAT_RELAY, 'relay', ...to(door)] : undefined),
    }
  if (/^\[v1\.10/m.test(printed) && /-q\b/.test(printed))
    return {
      name: `${name} (traditional)`,
      tellsEnd: false,
      argv: (door) => (door.socket === undefined ? [...program, '-q', '1', HOST, String(door.port)] : undefined),
    }
  return undefined
}
