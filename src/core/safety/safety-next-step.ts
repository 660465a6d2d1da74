import type { ReasonCode, SafetyReason } from './safety.ts'

/** What to do about the worst reason; undefined where nothing is to be done. */
export function nextStepOf(app: string, reasons: readonly SafetyReason[]): string | undefined {
  const codes = new Set(reasons.map(({ code }) => code))
  const first = PRIORITY.find((code) => codes.has(code))
  return first === undefined ? undefined : STEPS[first]?.(app)
}

/** A cause stands before what follows from it: who repairs the run has not to look at the freeze. */
const PRIORITY: readonly ReasonCode[] = [
  'fact-missing',
  'state-old',
  'alarm',
  'damaged',
  'point-failed',
  'went-back',
  'closed',
  'unread',
  'clock',
  'paused',
  'run-failed',
  'missed-runs',
  'incomplete',
  'no-point',
  'no-copy',
  'overdue',
  'drill-failed',
  'frozen',
  'drill-missing',
  'drill-old',
  'second-installation',
  'lost-together',
  'not-compared',
]

const STEPS: Partial<Record<ReasonCode, (app: string) => string>> = {
  'fact-missing': (app) => `Run holdfast check ${app}; it says what cannot be known.`,
  'state-old': (app) => `Run holdfast status ${app} again.`,
  alarm: (app) => `Run holdfast points ${app} and find out who changed the repository.`,
  damaged: (app) => `Run holdfast points ${app}; keep what is damaged, and back up again.`,
  'point-failed': (app) => `Run holdfast backup ${app}, then holdfast drill ${app}.`,
  'went-back': (app) =>
    `Find out who restored or made the server anew. If it is right, run holdfast backup ${app} --accept went-back.`,
  closed: (app) => `Run holdfast init, then holdfast check ${app}.`,
  unread: (app) => `Run holdfast check ${app}; it names why the repository cannot be read.`,
  clock: () => 'Set the clock of this machine and of the storage.',
  paused: (app) => `Run holdfast resume ${app}; it says what keeps the app from running.`,
  'run-failed': (app) => `Repair what is named, then run holdfast backup ${app}.`,
  'missed-runs': (app) => `Find out why the timer did not run, then run holdfast backup ${app}.`,
  incomplete: (app) => `Run holdfast show latest --app ${app}, repair what is missing, then holdfast backup ${app}.`,
  'no-point': (app) => `Run holdfast backup ${app}.`,
  'no-copy': (app) => `Run holdfast backup ${app}.`,
  overdue: (app) => `Run holdfast backup ${app}.`,
  'drill-failed': (app) => `Repair what the drill named, then run holdfast drill ${app}.`,
  frozen: (app) => `Run holdfast prune ${app} --dry-run; it says what ends the freeze.`,
  'drill-missing': (app) => `Run holdfast drill ${app}.`,
  'drill-old': (app) => `Run holdfast drill ${app}.`,
  'second-installation': () => 'Let only one installation back up this app, or give each app a name of its own.',
  'lost-together': (app) => `Add a repository elsewhere, or name it with its reason under apps.${app}.lostTogether.`,
  'not-compared': (app) => `Run holdfast check ${app}; it says why, and what would prove more.`,
}
