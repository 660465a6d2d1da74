import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, type FailureKind } from '../../../core/failure.ts'
import { codeOf } from '../../../system/files/errno.ts'

const LONGEST = 300
const said = z.object({ message: z.string() })

/** Words of the engine, or names of containers: one line, without control characters, not longer than people read. */
export function shown(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST)} …` : line
}

const kinds: Readonly<Record<number, FailureKind>> = {
  400: 'unsupported',
  401: 'denied',
  403: 'denied',
  404: 'notFound',
  405: 'denied',
  409: 'refused',
  502: 'unreachable',
  503: 'unreachable',
  504: 'unreachable',
}
const hints: Partial<Record<FailureKind, string>> = {
  denied: 'A proxy before the engine forbids it. holdfast rights compose prints what it has to allow.',
  unreachable: 'Check that the engine runs behind its proxy.',
}

/** `act` says what was tried, for example `stop container app-web-1`. */
export function refusal(status: number, body: unknown, act: string): Failure {
  const kind = kinds[status] ?? 'toolFailed'
  const answer = said.safeParse(body)
  const words = answer.success ? `: ${shown(answer.data.message)}` : ''
  const hint = hints[kind]
  return new Failure(kind, `container engine: to ${act} was answered with ${status}${words}`, {
    facts: { status },
    ...(hint === undefined ? {} : { hint }),
  })
}

/** Why the engine could not be asked. */
export async function notReached(engine: string, act: string, cause: unknown): Promise<Failure> {
  if (cause instanceof Failure) return cause
  const [kind, says, hint] = await reasonOf(engine, codeIn(cause), cause)
  return new Failure(kind, `container engine ${engine}: to ${act} ${says}`, { hint, cause })
}

const NAME_IT = 'Start the engine, or name its address as engine in the platform of the app.'

async function reasonOf(engine: string, code: string, cause: unknown): Promise<[FailureKind, string, string]> {
  if (code === 'ENOENT') return ['unreachable', 'there is no such socket', NAME_IT]
  if (code === 'ECONNREFUSED') return ['unreachable', 'nobody listens there', NAME_IT]
  if (code === 'EACCES' || code === 'EPERM')
    return ['denied', 'the right to the socket is missing', await rightTo(engine)]
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/.test(code))
    return [
      'denied',
      `TLS failed: ${code}`,
      'Check the certificates folder of the platform, and whether the engine speaks TLS.',
    ]
  const words = cause instanceof Error ? shown(cause.message) : 'the connection failed'
  return ['unreachable', `the engine was not reached: ${words}`, NAME_IT]
}

/** Who is let in is said by the group of the socket. */
async function rightTo(engine: string): Promise<string> {
  const group = await groupOf(engine.replace(/^unix:\/\//, '')).catch(() => undefined)
  const member = group === undefined ? 'its group' : `group ${group}`
  return `Make the user who runs Holdfast a member of ${member}, which is as much as root; or name a socket proxy that allows what holdfast rights compose prints.`
}

async function groupOf(path: string): Promise<string | undefined> {
  const { gid } = await stat(path)
  const line = (await readFile('/etc/group', 'utf8')).split('\n').find((each) => each.split(':')[2] === String(gid))
  return line?.split(':')[0] ?? String(gid)
}

function codeIn(error: unknown): string {
  const own = codeOf(error)
  return own === '' && error instanceof Error && error.cause !== undefined ? codeIn(error.cause) : own
}
