import type { FailureKind } from './failure.ts'

/** What a machine or server could not do for a reason of its own, whatever the data is. */
export interface EnvironmentFault {
  readonly kind: FailureKind
  readonly what: string
  readonly hint: string
}

const full: EnvironmentFault = {
  kind: 'refused',
  what: 'no space left',
  hint: 'Make room on that disk. If it is that of the folder for temporary files, TMPDIR names another.',
}
const quota: EnvironmentFault = {
  kind: 'refused',
  what: 'the disk quota is used up',
  hint: 'Raise the quota or free space. If it is that of the folder for temporary files, TMPDIR names another.',
}
const files: EnvironmentFault = {
  kind: 'refused',
  what: 'too many files are open',
  hint: 'Raise the limit of open files: ulimit -n, or LimitNOFILE of the service.',
}
const memory: EnvironmentFault = {
  kind: 'refused',
  what: 'out of memory',
  hint: 'Give the machine or the server more memory, or run less beside it.',
}
const processes: EnvironmentFault = {
  kind: 'refused',
  what: 'no more processes can be started',
  hint: 'Raise the limit of processes: ulimit -u, or TasksMax of the service.',
}
const limits: EnvironmentFault = {
  kind: 'refused',
  what: 'a limit of the server is reached',
  hint: 'Raise the limit that the server names.',
}
const connections: EnvironmentFault = {
  kind: 'unreachable',
  what: 'the server has too many connections',
  hint: 'Wait until some have ended, or raise max_connections or the limit of the role.',
}
const closed: EnvironmentFault = {
  kind: 'denied',
  what: 'permission denied',
  hint: 'Check who owns it, and what the user who runs Holdfast may do.',
}
const readOnly: EnvironmentFault = {
  kind: 'denied',
  what: 'the file system is read-only',
  hint: 'Mount it for writing, or use another folder. A disk that fails is often made read-only.',
}
const medium: EnvironmentFault = {
  kind: 'unreachable',
  what: 'the disk or the network mount reports an error',
  hint: 'Check the disk or the network mount.',
}
const absent: EnvironmentFault = {
  kind: 'notFound',
  what: 'it is not there',
  hint: 'Check that the program, file or folder that is named is there. TMPDIR names the folder for temporary files.',
}
const blocked: EnvironmentFault = {
  kind: 'refused',
  what: 'something else is in its place',
  hint: 'Move away what was not put there by Holdfast.',
}
const network: EnvironmentFault = {
  kind: 'unreachable',
  what: 'the server or the network does not answer',
  hint: 'Check that the server runs, and that host, port and network are right.',
}
const login: EnvironmentFault = {
  kind: 'denied',
  what: 'the server refused the login',
  hint: 'Check user and password, and what the server lets in.',
}

const faults: readonly (readonly [EnvironmentFault, readonly string[]])[] = [
  [full, ['ENOSPC', '53100']],
  [quota, ['EDQUOT']],
  [files, ['EMFILE', 'ENFILE', '53000']],
  [memory, ['ENOMEM', '53200']],
  [processes, ['EAGAIN']],
  [limits, ['53400']],
  [connections, ['53300']],
  [closed, ['EACCES', 'EPERM']],
  [readOnly, ['EROFS']],
  [medium, ['EIO', 'ESTALE', 'EREMOTEIO', 'ENXIO', '58030']],
  [absent, ['ENOENT', 'ENOTDIR']],
  [blocked, ['EISDIR', 'ELOOP']],
  [network, ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTCONN', 'ENOTFOUND', 'EAI_AGAIN']],
  [network, ['EHOSTDOWN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN']],
]
const faultOfCodes = new Map(faults.flatMap(([fault, codes]) => codes.map((code) => [code, fault] as const)))

/** By the code of the system, such as `ENOSPC`, or the SQLSTATE of a PostgreSQL server. */
export function faultOfCode(code: string): EnvironmentFault | undefined {
  return faultOfCodes.get(code)
}

/** Of a thrown value, or of what it comes from, however deep that lies. */
export function faultOf(error: unknown): EnvironmentFault | undefined {
  if (!(error instanceof Error)) return undefined
  const own = 'code' in error ? faultOfCode(String(error.code)) : undefined
  return own ?? faultOf(error.cause)
}

/** In quotation marks the same words would be somebody's data. */
const words: readonly (readonly [EnvironmentFault, RegExp])[] = [
  [full, /(?:^|: ?)No space left on device(?!["'])/im],
  [full, /could not (?:extend|write).*: wrote only \d+ of \d+ bytes/],
  [quota, /(?:^|: ?)Disk quota exceeded(?!["'])/im],
  [files, /(?:^|: ?)Too many open files(?: in system)?(?!["'])/im],
  [memory, /(?:^|: +)(?:Cannot allocate memory|out of (?:shared )?memory)(?!["'])/im],
  [processes, /(?:fork|spawn|thread).*: Resource temporarily unavailable/im],
  [readOnly, /(?:^|: ?)Read-only file system(?!["'])/im],
  [medium, /(?:^|: ?)(?:Input\/output error|Stale file handle)(?!["'])/m],
  [closed, /(?:^|: ?)(?:Permission denied|Operation not permitted)(?!["'])/m],
  [connections, /FATAL: +(?:sorry, too many clients|remaining connection slots|too many connections)/],
  [login, /FATAL: +(?:password authentication failed|no pg_hba\.conf entry|role ".*" (?:does not exist|is not))/],
  [network, /server closed the connection unexpectedly|no connection to the server|terminating connection/],
  [network, /the database system is (?:starting up|shutting down|in recovery mode)/],
  [network, /connection to server .* failed: (?!FATAL)/],
  [absent, /failed to execute .*: No such file or directory/],
]

/** Lines in which PostgreSQL and its tools quote data and statements. */
const QUOTING = /^(?:.*\b)?(?:DETAIL|CONTEXT|QUERY|STATEMENT|HINT|LINE \d+|Command was): /

/** By the words of a program or server on its standard error. */
export function faultInWords(text: string): EnvironmentFault | undefined {
  const told = text
    .split('\n')
    .filter((line) => !QUOTING.test(line))
    .join('\n')
  return words.find(([, pattern]) => pattern.test(told))?.[0]
}
