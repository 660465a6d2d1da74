import type { Command as Commander } from 'commander'
import type { Context } from '../../../core/ports.ts'
import { describe, toFailure, type FailureKind } from '../../../core/failure.ts'
import { throwIfCancelled } from '../../../core/cancelled.ts'
import type { GuardOutcome, GuardReport } from '../../../operations/guard/guard.ts'
import { timeOption } from '../../ask/time-option.ts'
import { chooseApps } from '../../choose-app.ts'
import { run, type Cli } from '../../cli.ts'
import type { Ending } from '../../ending.ts'
import type { Command } from '../../run-command.ts'

interface GuardOptions {
  readonly every?: string
}

export function addGuard(program: Commander, cli: Cli): void {
  program
    .command('guard [app]')
    .description('bring back what a dead operation left down, where its data is whole; all apps by default')
    .option('--every <time>', 'look again and again, with this time between, until it is stopped')
    .action((name: string | undefined, options: GuardOptions, command: Commander) =>
      run(cli, command, (given) => guard(given, name, options)),
    )
}

/** One look at one app. */
type Looked = GuardReport | { readonly app: string; readonly outcome: 'failed'; readonly failure: Failed }

interface Failed {
  readonly kind: FailureKind
  readonly message: string
  readonly hint?: string | undefined
}

async function guard(command: Command, name: string | undefined, { every }: GuardOptions): Promise<Ending> {
  const { guardApp } = await import('../../../operations/guard/guard.ts')
  const { context } = command.assembly
  const apps = chooseApps(command.assembly.apps, name)
  const look = (): Promise<readonly Looked[]> =>
    Promise.all(apps.map((app) => looked(app.name, () => guardApp(app, context), context)))
  const pause = await timeOption('--every', every)
  // A pod or container may be another one by the next look.
  const lookAnew = async (): Promise<readonly Looked[]> => {
    try {
      return await look()
    } finally {
      await command.assembly.close()
    }
  }
  if (pause !== undefined) return await again(pause, lookAnew, context)
  const all = await look()
  command.result({ apps: all }, () => all.map(textOf).join('\n'))
  return endingOf(all)
}

async function looked(app: string, act: () => Promise<GuardReport>, context: Context): Promise<Looked> {
  try {
    return await act()
  } catch (error) {
    throwIfCancelled(error, context.signal)
    const { kind, hint } = toFailure(error)
    return { app, outcome: 'failed', failure: { kind, message: describe(error), hint } }
  }
}

/** Says what is new, and each look again what keeps an app down. Ends only by its signal. */
async function again(every: number, look: () => Promise<readonly Looked[]>, context: Context): Promise<Ending> {
  const said = new Map<string, string>()
  const stopped = (error: unknown): readonly [] => {
    if (!context.signal.aborted) throw error
    return []
  }
  while (!context.signal.aborted) {
    for (const one of await look().catch(stopped)) {
      const text = textOf(one)
      if (said.get(one.app) !== text && (one.outcome !== 'up' || said.has(one.app)))
        context.progress({ type: SOUND.has(one.outcome) ? 'note' : 'warning', message: text })
      said.set(one.app, text)
    }
    await context.clock.sleep(every, context.signal).catch(stopped)
  }
  return 'done'
}

const SOUND: ReadonlySet<Looked['outcome']> = new Set(['up', 'brought back', 'paused', 'running'])

const ENDINGS: Readonly<Record<GuardOutcome, Ending>> = {
  up: 'done',
  'brought back': 'done',
  paused: 'done',
  running: 'locked',
  down: 'refused',
}

/** The worst first. */
function endingOf(all: readonly Looked[]): Ending {
  const endings = all.map((one) => (one.outcome === 'failed' ? one.failure.kind : ENDINGS[one.outcome]))
  const failed = all.find((one) => one.outcome === 'failed')
  if (endings.includes('refused')) return 'refused'
  if (failed?.outcome === 'failed') return failed.failure.kind
  return endings.includes('locked') ? 'locked' : 'done'
}

function textOf(one: Looked): string {
  if (one.outcome === 'failed')
    return `${one.app}: ${[one.failure.message, one.failure.hint].filter(Boolean).join('. ')}`
  const { app, outcome, workloads, reason, hint } = one
  const names = workloads.join(', ')
  if (outcome === 'up') return `${app}: nothing is down.`
  if (outcome === 'brought back')
    return `${app}: brought back${names === '' ? '; writers are let in' : `; started ${names}`}.`
  return `${app}: ${names === '' ? 'it' : names} stays down: ${reason ?? ''}. ${hint ?? ''}`
}
