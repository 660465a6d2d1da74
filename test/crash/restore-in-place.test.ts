import { after, before, test } from 'node:test'
import { crashInPlace } from './restore-in-place.ts'
import { cleanUp, prepare } from './restore-swap.ts'

before(prepare)
after(cleanUp)

/** Half of the deaths, all with HOLDFAST_SOAK=1. */
test(
  'a restore in place that dies anywhere is opened again, says what is so, and can be made again',
  { timeout: 900_000 },
  (t) => crashInPlace(t, false),
)
