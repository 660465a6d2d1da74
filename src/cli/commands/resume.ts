import { planResume, resumeOrder, runResume, type ResumePlan } from '../../operations/pause/resume.ts'
import { formatTime, quoted } from '../print/format.ts'
import { chooseApp, type Command } from '../run-command.ts'

export interface ResumeOptions {
  readonly accept?: readonly string[]
  readonly dryRun?: boolean
}

/** `holdfast resume <app>` */
export async function resume(command: Command, name: string | undefined, options: ResumeOptions): Promise<number> {
  const { apps, context } = command.assembly
  const app = chooseApp(apps, name)
  const plan = await planResume(app, options.accept ?? [], context)
  if (options.dryRun === true) {
    command.result({ plan }, () => planText(plan))
    return 0
  }
  const report = await runResume(app, resumeOrder.parse(plan), context)
  command.result({ report }, () =>
    report.paused === undefined ? notPaused(app.name) : `${app.name} runs again: ${report.workloads.join(', ')}.`,
  )
  return 0
}

const notPaused = (app: string): string => `Holdfast keeps nothing of ${app} stopped.`

function planText({ app, paused, reason, workloads }: ResumePlan): string {
  if (paused === undefined) return notPaused(app)
  const why = reason === null ? '' : ` (${quoted(reason)})`
  return [
    `${app} is paused by ${paused.operation} ${paused.id} since ${formatTime(paused.since)}${why}. To resume would`,
    ...workloads.map((workload) => `  start ${workload}`),
  ].join('\n')
}
