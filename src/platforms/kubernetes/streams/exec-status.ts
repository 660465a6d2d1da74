import { z } from 'zod'
import { Failure } from '../../../core/failure.ts'

/** What comes on the last channel once a program has ended. */
const execStatus = z.object({
  status: z.enum(['Success', 'Failure']),
  reason: z.string().optional(),
  message: z.string().default(''),
  details: z
    .object({
      causes: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })).nullish(),
    })
    .nullish(),
})

const NOT_THERE = /executable file not found|no such file or directory/
const SHOWN = 300

/** The exit code, or why there is none. */
export function exitOf(data: Buffer, act: string): number | Failure {
  const parsed = execStatus.safeParse(jsonOf(data.toString('utf8')))
  if (!parsed.success) return new Failure('unreachable', `kubernetes: to ${act} ended with a status that is none`)
  const { status, reason, message, details } = parsed.data
  if (status === 'Success') return 0
  const code = Number(details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message)
  if (reason === 'NonZeroExitCode' && Number.isInteger(code)) return code
  return failureIn(message, act)
}

function failureIn(message: string, act: string): Failure {
  if (NOT_THERE.test(message)) return new Failure('notFound', `kubernetes: to ${act} failed: the program is not there`)
  return new Failure('unreachable', `kubernetes: to ${act} failed: ${onOneLine(message)}`, {
    hint: 'Check that the container runs, and what the kubelet of its node logs.',
  })
}

function onOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, SHOWN)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
