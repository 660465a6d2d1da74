import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { holdfast, type Ran } from '../e2e/holdfast.ts'
import { editConfig, PASSWORD, type ConfigFile } from '../e2e/lab.ts'

export type FoundConfig = ConfigFile['apps'][string] & {
  readonly profile?: string
  readonly platform?: Readonly<Record<string, unknown>>
  readonly keyFit?: readonly unknown[]
}

interface FoundFile {
  readonly said: string
  readonly text: string
  readonly app: FoundConfig
}

/** Holdfast as an operator runs it in a folder that has nothing yet. */
export interface Operator {
  readonly run: (...args: readonly string[]) => Promise<Ran>
  /** Fails unless it ends with 0; gives all that was said. */
  readonly must: (...args: readonly string[]) => Promise<string>
  /** Runs init and reads what it wrote: what it said, the text of the file, and the app in it. */
  readonly found: (...args: readonly string[]) => Promise<FoundFile>
}

export function operatorIn(folder: string): Operator {
  const run: Operator['run'] = (...args) => holdfast(folder, args, { HOLDFAST_PASSWORD: PASSWORD })
  const must: Operator['must'] = async (...args) => {
    const { code, out, error } = await run(...args)
    assert.equal(code, 0, `${args.join(' ')}: ${error}${out}`)
    return `${out}${error}`
  }
  return {
    run,
    must,
    found: async (...args) => {
      const path = join(folder, 'holdfast.yaml')
      const said = await must('init', ...args, '--identity-file', join(folder, 'identity.txt'))
      const text = await readFile(path, 'utf8')
      const [app] = Object.values((parse(text) as ConfigFile).apps)
      // Of root it would be that of the machine, which other tests use.
      await editConfig(path, (config) => void (config.state = join(folder, 'state')))
      return { said, text, app: app ?? assert.fail(text) }
    },
  }
}
