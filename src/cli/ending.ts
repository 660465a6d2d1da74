import { failureKinds, type FailureKind } from '../core/failure.ts'

/** How a command ended: well, or with the kind of failure that its exit code says. */
export type Ending = 'done' | FailureKind

const DONE = 0

/** The table of every exit code, with the words of the help. */
export const exitCodes: readonly { readonly ending: string; readonly exit: number }[] = [
  { ending: 'done', exit: DONE },
  ...Object.entries(failureKinds).map(([ending, { exit }]) => ({ ending, exit })),
]

export function exitCodeOf(ending: Ending): number {
  return ending === 'done' ? DONE : failureKinds[ending].exit
}

const WORDS: Readonly<Partial<Record<string, string>>> = {
  notFound: 'not found',
  refused: 'refused (unsafe)',
  toolFailed: 'a tool failed',
}
const PER_LINE = 7

/** The table as the help shows it. */
export function exitCodesText(): string {
  const said = exitCodes.map(({ ending, exit }) => `${exit} ${WORDS[ending] ?? ending}`)
  const lines = [said.slice(0, PER_LINE), said.slice(PER_LINE)].map((part) => `  ${part.join('   ')}`)
  return ['', 'Exit codes:', ...lines, ''].join('\n')
}
