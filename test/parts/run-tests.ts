import { execFile } from 'node:child_process'

export interface TestRun {
  readonly passed: number
  readonly failed: number
  readonly text: string
}

/** Runs one file of tests in a process of its own, with these variables. */
export function runOf(file: string, variables: Readonly<Record<string, string>>): Promise<TestRun> {
  // The runner that runs us tells its children by this variable to answer in its own format.
  const { NODE_TEST_CONTEXT: _ours, ...environment } = process.env
  const options = { env: { ...environment, ...variables }, maxBuffer: 64 * 1024 * 1024 }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--test', '--test-reporter=tap', file], options, (error, stdout, stderr) => {
      const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1] ?? 0)
      const failed = count('fail') + count('cancelled') + (error !== null && count('fail') === 0 ? 1 : 0)
      resolve({ passed: count('pass'), failed, text: `${stdout.slice(-20_000)}${stderr.slice(-4000)}` })
    })
  })
}
