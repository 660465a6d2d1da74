import { join } from 'node:path'
import { systemFailure } from '../core/failure.ts'
import { replaceDurably } from '../system/files/durable-file.ts'
import type { Channel, RunEvent } from './channel.ts'

/**
 * Files for node_exporter. That of the last run that went well is a file of its own, so that a failed run does not take it away:
 * its age is what an alert should be on.
 */
export const textfile: Channel<'textfile'> = {
  async tell({ folder }, event) {
    // A file for each app: node_exporter refuses a series that two files have, as of `prune` and `prune portal`.
    for (const app of event.apps) {
      const name = `holdfast-${event.command}-${app}`
      await write(join(folder, `${name}.prom`), lastRun(app, event))
      if (event.ending === 'done') await write(join(folder, `${name}-good.prom`), lastGoodRun(app, event))
    }
    if (event.metrics !== undefined) await write(join(folder, `holdfast-${event.command}.prom`), event.metrics)
  },
}

async function write(path: string, text: string): Promise<void> {
  await replaceDurably(path, text, { mode: 0o644 }).catch((cause: unknown) => {
    throw systemFailure(`${path} cannot be written`, cause)
  })
}

/** Exit code and length of the last run, and when it ended. */
function lastRun(app: string, event: RunEvent): string {
  const seconds = (event.ended.getTime() - event.started.getTime()) / 1000
  return [
    gauge(labels(app, event), 'holdfast_run_exit_code', 'Exit code of the last run', event.exitCode),
    gauge(labels(app, event), 'holdfast_run_seconds', 'How long the last run took', seconds),
    gauge(labels(app, event), 'holdfast_run_timestamp_seconds', 'When the last run ended', epoch(event)),
  ].join('')
}

function lastGoodRun(app: string, event: RunEvent): string {
  return gauge(
    labels(app, event),
    'holdfast_good_run_timestamp_seconds',
    'When the last run that went well ended',
    epoch(event),
  )
}

function epoch({ ended }: RunEvent): number {
  return Math.floor(ended.getTime() / 1000)
}

/** Names of apps and commands are letters, digits and hyphens. */
function labels(app: string, { command }: RunEvent): string {
  return `{app="${app}",command="${command}"}`
}

function gauge(labelled: string, name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${labelled} ${value}\n`
}
