import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isFailure } from '../../core/failure.ts'
import type { TargetMode } from '../../core/restore-point.ts'
import { isNothingThere } from '../nothing-there.ts'
import { cancelContract } from './cancel-contract.ts'
import { deathContract } from './death-contract.ts'
import { captureInMemory, cutsOf, sourceFrom, type CapturedInMemory } from './memory-artifacts.ts'
import { otherModesContract } from './other-modes-contract.ts'
import { CAPTURED, context, LIVE, Stage, type ContractSubject } from './stage.ts'
import { swapContract } from './swap-contract.ts'

export interface ContractOptions<Settings, Details> {
  readonly modes: readonly TargetMode[]
  /** Whether `fence` locks writers out, so that a swap without it is refused. */
  readonly locks: boolean
  /** By name: changes what a restore in place brought, in a way that `compare` must see. */
  readonly differences?: Readonly<Record<string, (subject: ContractSubject<Settings, Details>) => Promise<void>>>
  /** By name: settings whose login lacks a right, and what `check` or `preflight` says of it. */
  readonly lacking?: Readonly<
    Record<string, (subject: ContractSubject<Settings, Details>) => Promise<Lacking<Settings>>>
  >
  /** Roles of artifacts that are for people: no restore reads them. */
  readonly unread?: readonly string[]
  /**
   * Where each restore takes long. One capture is for all tests, so the settings are always the same. What dies after one
   * effect is taken back, and what dies before the next is finished; the ways are not both tried at each.
   */
  readonly dear?: boolean
  /** Half of the deaths, where `npm run soak` tries them all; the file names HOLDFAST_SOAK for it. */
  readonly halved?: boolean
}

interface Lacking<Settings> {
  readonly settings: Settings
  readonly found: 'check' | 'preflight'
  /** Of the subject and message of an error. */
  readonly says: RegExp
}

/** What each test of the contract is given. */
export interface ContractTests<Settings, Details> extends ContractOptions<Settings, Details> {
  readonly fresh: () => Promise<Stage<Settings, Details>>
  /** Runs a test in a stage of its own. */
  readonly staged: (name: string, act: (stage: Stage<Settings, Details>) => Promise<void>) => void
}

/** Registers tests for what `Driver` and `Target` promise. Each kind runs them; see docs/contribute/adding-a-component.md. */
export function driverContract<Settings, Details>(
  name: string,
  make: () => Promise<ContractSubject<Settings, Details>>,
  options: ContractOptions<Settings, Details>,
): void {
  let first: CapturedInMemory<Details> | undefined
  const fresh = async (): Promise<Stage<Settings, Details>> => {
    const stage = await Stage.make(await make(), first)
    if (options.dear === true) first = stage.point
    return stage
  }
  const staged: ContractTests<Settings, Details>['staged'] = (title, act) =>
    void test(title, { timeout: 600_000 }, async () => {
      const stage = await fresh()
      try {
        await act(stage)
      } finally {
        await stage.close()
      }
    })
  const tests = { ...options, fresh, staged }
  describe(`${name} keeps the driver contract`, () => {
    reading(tests)
    rights(tests)
    if (options.modes.includes('swap')) swapContract(tests)
    otherModesContract(tests)
    deathContract(tests)
    cancelContract(tests)
  })
}

function reading<Settings, Details>({ staged, unread }: ContractTests<Settings, Details>): void {
  staged('check finds no error in a sound component, and changes nothing', async (stage) => {
    const { driver, settings } = stage.subject
    await stage.subject.write(CAPTURED)
    const findings = [
      ...(await driver.check(settings, context)),
      ...((await driver.checkBeforeCapture?.(settings, context)) ?? []),
    ]
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    )
    await stage.assertClean(CAPTURED)
  })

  staged('examine reads what was captured, and calls it corrupt when it ends early', async ({ subject, point }) => {
    await subject.driver.examine(point.details, point.source, context)
    for (const [role, cut] of cutsOf(point, unread))
      await assert.rejects(
        subject.driver.examine(point.details, sourceFrom(cut), context),
        (error) => isFailure(error, 'corrupt'),
        role,
      )
  })

  staged('a capture whose sink fails fails with its error', async ({ subject }) => {
    const full = new Error('no room')
    const sink = { write: () => Promise.reject(full) }
    await assert.rejects(subject.driver.capture(subject.settings, sink, context), (error) => error === full)
  })

  staged('of a component that is not there, capture says that nothing is', async ({ subject }) => {
    if (subject.remove === undefined) return
    await subject.remove()
    await assert.rejects(captureInMemory(subject.driver, subject.settings, context), isNothingThere)
  })

  staged('the live text is told from the captured one', async ({ subject }) => {
    assert.equal(await subject.read(), LIVE)
    await subject.write(CAPTURED)
    assert.equal(await subject.read(), CAPTURED)
  })
}

function rights<Settings, Details>({ staged, lacking = {} }: ContractTests<Settings, Details>): void {
  for (const [name, make] of Object.entries(lacking))
    staged(`a missing right is found before anything is done: ${name}`, async (stage) => {
      const { settings, found, says } = await make(stage.subject)
      const findings =
        found === 'check'
          ? await stage.subject.driver.check(settings, context)
          : await (await stage.open('swap', settings)).preflight(stage.point.details, context)
      const errors = findings.filter(({ level }) => level === 'error')
      assert.match(errors.map(({ subject, message }) => `${subject}: ${message}`).join('\n'), says)
    })
}
