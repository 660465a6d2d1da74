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
    const name = `holdfast-${event.command}${event.apps.length === 1 ? `-${event.apps[0]}` : ''}`
    await write(join(folder, `${name}.prom`), lastRun(event))
    if (event.ending === 'done') await write(join(folder, `${name}-good.prom`), lastGoodRun(event))
    if (event.metrics !== undefined) await write(join(folder, `${name}-apps.prom`), event.metrics)
  },
}

async function write(path: string, text: string): Promise<void> {
  await replaceDurably(path, text, { mode: 0o644 }).catch((cause: unknown) => {
    throw systemFailure(`${path} cannot be written`, cause)
  })
}

/** Exit code and length of the last run, and when it ended. */
function lastRun(event: RunEvent): string {
  const seconds = (event.ended.getTime() - event.started.getTime()) / 1000
  return [
    gauge(event, 'holdfast_run_exit_code', 'Exit code of the last run', event.exitCode),
    gauge(event, 'holdfast_run_seconds', 'How long the last run took', seconds),
    gauge(event, 'holdfast_run_timestamp_seconds', 'When the last run ended', epoch(event)),
  ].join('')
}

function lastGoodRun(event: RunEvent): string {
  return gauge(event, 'holdfast_good_run_timestamp_seconds', 'When the last run that went well ended', epoch(event))
}

function epoch({ ended }: RunEvent): number {
  return Math.floor(ended.getTime() / 1000)
}

function gauge({ apps, command }: RunEvent, name: string, help: string, value: number): string {
  // Names of apps and commands are letters, digits and hyphens.
  const samples = apps.map((app) => `${name}{app="${app}",command="${command}"} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.join('')}`
}
