import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { holdfast, start, type Ran, type Started } from './holdfast.ts'
import { editConfig, PASSWORD } from './lab.ts'

/** A machine whose app `portal` has one component, `keys`, and no database. */
export interface KeysLab {
  run(...args: readonly string[]): Promise<Ran>
  start(...args: readonly string[]): Started
  /** Runs what must go well, and gives what it said to its standard output. */
  must(...args: readonly string[]): Promise<string>
  /** All that the commands of `must` said. */
  said(): string
  /** Puts this component in place of the one that is there. */
  configure(component: Readonly<Record<string, unknown>>): Promise<void>
}

/** With its repository and keys made. To be called at the top of the file. */
export async function startKeysLab(added: Readonly<Record<string, string>> = {}): Promise<KeysLab> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'holdfast.yaml')
  const environment = { HOLDFAST_PASSWORD: PASSWORD, ...added }
  const said: string[] = []
  const run: KeysLab['run'] = (...args) => holdfast(folder, args, environment)
  const must: KeysLab['must'] = async (...args) => {
    const { code, out, error } = await run(...args)
    said.push(out, error)
    assert.equal(code, 0, `holdfast ${args.join(' ')}: ${out}\n${error}`)
    return out
  }
  const identity = join(folder, 'id.txt')
  await must('-c', config, 'init', '--repository', `file://${folder}/repository`, '--identity-file', identity)
  return {
    run,
    must,
    start: (...args) => start(folder, args, environment),
    said: () => said.join(''),
    configure: (component) =>
      editConfig(config, (written) => {
        // Init gives it one app, with a name of its choice.
        const [app] = Object.values(written.apps)
        assert.ok(app)
        written.apps = { portal: { ...app, components: { keys: component } } }
        written.state = join(folder, 'state')
      }),
  }
}
