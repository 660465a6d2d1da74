import { holdPoint, undeletePoint } from '../../../operations/keep/keep.ts'
import type { Command } from '../../run-command.ts'

/** `holdfast hold <point>` and `holdfast release <point>` */
export async function hold(command: Command, point: string, act: 'hold' | 'release'): Promise<number> {
  const report = await holdPoint(command.assembly.apps, point, act, command.assembly.context)
  command.result(
    { report },
    () =>
      `Restore point ${report.point} is ${act === 'hold' ? 'held: prune leaves it alone' : 'released'} in ${report.repositories.join(', ')}.`,
  )
  return 0
}

/** `holdfast undelete <point>` */
export async function undelete(command: Command, point: string): Promise<number> {
  const report = await undeletePoint(command.assembly.apps, point, command.assembly.context)
  command.result({ report }, () => `Restore point ${report.point} is back in ${report.repositories.join(', ')}.`)
  return 0
}
