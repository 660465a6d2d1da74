import { after, before, test } from 'node:test'
import { crashInPlace } from './restore-in-place.ts'
import { cleanUp, prepareInLanes } from './restore-swap.ts'

before(prepareInLanes)
after(cleanUp)

/** Deaths of the load, where lanes differ; all with HOLDFAST_SOAK=1. */
test(
  'a restore in place in lanes that dies anywhere is opened again, says what is so, and can be made again',
  { timeout: 900_000 },
  (t) => crashInPlace(t, true),
)
