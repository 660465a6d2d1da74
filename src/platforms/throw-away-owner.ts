import { isRunning, thisProcess } from '../system/process/this-process.ts'

/** What is written on a throw-away container, so that a later command knows whether whoever made it has died. */
export function throwAwayOwner(): Promise<string> {
  return thisProcess('throw-away')
}

/** Whether that process has died. One that cannot be seen from here is taken to run. */
export async function isOwnerGone(owner: string | undefined): Promise<boolean> {
  return owner !== undefined && !(await isRunning(owner).catch(() => true))
}
