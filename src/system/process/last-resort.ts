/** Node's own exit code for a program that waits for what never comes. */
const NEVER_SETTLED = 13

/**
 * For what nobody expected: an error that nobody listened for, and work that neither ends nor waits for anything. What the process
 * holds is not to be relied on then, so it ends at once, as if it were killed, which every operation is made for. `report` is told
 * why and gives the exit code.
 */
export class LastResort {
  #isDone = false

  constructor(report: (error: unknown) => number) {
    process.on('uncaughtException', (error) => process.exit(report(error)))
    process.on('exit', (code) => {
      // Node says so itself, with a code that means something else here.
      if (code === NEVER_SETTLED && !this.#isDone) process.exitCode = report(new Error('it waits for nothing'))
    })
  }

  /** The work has ended, and its own exit code counts. */
  done(): void {
    this.#isDone = true
  }
}
