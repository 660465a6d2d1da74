import { Failure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { RestoreTarget } from '../target.ts'
import { isRetainedAt, stateAt, type SwapStage } from './stages.ts'
import type { Change, FoundSwap, ValueKind, ValueStore } from './value-store.ts'

/**
 * A swap into a store of values that has no rename, such as KV of OpenBao or Secrets of Kubernetes. What the restore
 * brings and what it replaces are kept in the store itself, beside a record of how far it got. Then value after value is
 * brought to what is wanted. It is not one moment: a process that dies in the middle leaves some values old and some
 * restored, and `swap` goes forward or `reopen` goes back from there.
 */
export function valueSwapTarget<Details, Found extends FoundSwap>(
  kind: ValueKind<Details, Found>,
): RestoreTarget<Details> {
  const { description, confirmation } = kind
  return {
    description,
    confirmation,
    preflight: (...request) => kind.preflight(...request),
    state: (context) => withFound(kind, context, async (found) => stateAt(found?.record.stage)),
    runChecks: () => Promise.resolve([]),
    // Values have no lock that writers respect: what they write meanwhile is found, and not overwritten unseen.
    fence: () => Promise.resolve(),
    ...wayForward(kind),
    ...waysBack(kind),
  }
}

type Part<Details, Method extends keyof RestoreTarget> = Pick<RestoreTarget<Details>, Method>

function wayForward<Details, Found extends FoundSwap>(
  kind: ValueKind<Details, Found>,
): Part<Details, 'load' | 'compare' | 'swap'> {
  return {
    load: (details, source, context) =>
      withFound(kind, context, async (earlier, store) => {
        if (earlier !== undefined) requireStage(kind, earlier, stateAt(earlier.record.stage) === 'staged')
        const { found, keep } = await store.load(earlier, details, source)
        await note(await note(found, 'loading'), 'loaded', await keep())
      }),
    compare: (details, context) =>
      withFound(kind, context, async (one, store) => {
        const found = requireFound(kind, one)
        if (found.record.stage !== 'swapped' || store.compareLive === undefined)
          return await store.compareLoaded(found, details)
        return await store.compareLive(details)
      }),
    swap: (details, context) =>
      withFound(kind, context, async (one, store) => {
        const found = requireFound(kind, one)
        const { stage } = found.record
        if (stage !== 'swapped') {
          requireStage(kind, found, stage === 'loaded' || stage === 'saving' || stage === 'swapping')
          const forward = await store.forward(found, details)
          const isNoted = kind.notesSaving === true && stage !== 'swapping'
          await make(forward, isNoted ? await note(found, 'saving') : found, ['swapping', 'swapped'], context)
        }
        // Also what a swap left that died behind its last record.
        await store.removeLoaded(found)
      }),
  }
}

function waysBack<Details, Found extends FoundSwap>(
  kind: ValueKind<Details, Found>,
): Part<Details, 'reopen' | 'discard' | 'undo' | 'forget'> {
  /** Nobody was locked out: only a change that stopped in the middle is taken back. */
  const reopen = (context: Context): Promise<void> =>
    withFound(kind, context, async (found, store) => {
      if (found === undefined || stateAt(found.record.stage) !== 'fenced') return
      if (found.record.stage === 'swapping' && store.takeBack !== undefined) await store.takeBack(found)
      else await make(await store.back(found), found, ['undoing', 'undone'], context)
    })
  return {
    reopen,
    async discard(context) {
      await reopen(context)
      // Never what is retained for undo or after one.
      await withFound(kind, context, async (found) => {
        if (stateAt(found?.record.stage) === 'staged') await found?.stage.remove()
      })
    },
    undo: (context) =>
      withFound(kind, context, async (one, store) => {
        const found = requireRetained(kind, one)
        const { stage } = found.record
        if (stage === 'undone') return
        const isMiddle = stage === 'swapping' && store.takeBack === undefined
        requireStage(kind, found, isMiddle || stage === 'swapped' || stage === 'undoing')
        await make(await store.back(found), found, ['undoing', 'undone'], context)
      }),
    forget: (context) =>
      withFound(kind, context, async (found, store) => {
        if (found === undefined) return
        await store.requireForgettable?.(found)
        requireStage(kind, found, isRetainedAt(found.record.stage))
        await found.stage.remove()
      }),
  }
}

/** With what the store says of the restore now. */
function withFound<Details, Found extends FoundSwap, Result>(
  kind: ValueKind<Details, Found>,
  context: Context,
  act: (found: Found | undefined, store: ValueStore<Details, Found>) => Promise<Result>,
): Promise<Result> {
  return kind.connect(context, async (store) => act(await store.find(), store))
}

type Described = Pick<ValueKind<never, FoundSwap>, 'description' | 'whyNotRetained'>

function requireFound<Found>({ description }: Described, found: Found | undefined): Found {
  if (found !== undefined) return found
  throw new Failure('refused', `nothing was restored beside ${description}`, { hint: 'Restore again.' })
}

function requireRetained<Found>({ description, whyNotRetained }: Described, found: Found | undefined): Found {
  if (found !== undefined) return found
  const hint = `${whyNotRetained} Restore an older restore point instead.`
  throw new Failure('refused', `nothing is retained to undo the restore of ${description}`, { hint })
}

function requireStage({ description }: Described, { record }: FoundSwap, isAllowed: boolean): void {
  if (isAllowed) return
  const hint = 'Finish it or take it back first.'
  throw new Failure('refused', `the restore of ${description} is ${record.stage}`, { hint })
}

/** Retains, changes and verifies. One that was begun goes on with what it has retained. */
async function make<Found extends FoundSwap>(
  change: Change<Found>,
  found: Found,
  [during, after]: readonly [SwapStage, SwapStage],
  { clock }: Context,
): Promise<void> {
  // What dies before this record has changed no live value.
  const begun = found.record.stage === during ? found : await note(found, during, await change.retain())
  await change.apply(begun.record)
  await note(begun, after, {}, clock.now().toISOString())
}

async function note<Found extends FoundSwap>(
  found: Found,
  stage: SwapStage,
  more: Partial<Found['record']> = {},
  since = found.record.since,
): Promise<Found> {
  const noted = { ...found, record: { ...found.record, ...more, stage, since } }
  await noted.stage.save(noted.record)
  return noted
}
