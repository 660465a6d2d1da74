import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Place } from '../../place.ts'
import { findRelay } from './find-relay.ts'
import { ProgramStream } from './program-stream.ts'
import type { Door, Route } from '../route.ts'

/**
 * The way through a program that is started in the place for each connection, and ends with it. Which program is found out
 * once. Fails with `unsupported` where none is there that can do it.
 */
export async function relayRoute(place: Place, door: Door, context: Context): Promise<Route> {
  const { relay, passedOver } = await findRelay(place, door, context)
  const argv = relay?.argv(door)
  if (relay === undefined || argv === undefined) throw noRelay(place, door, passedOver)
  const name = `exec-relay by ${relay.name}`
  const target = door.socket === undefined ? `port ${door.port}` : door.socket
  const ending = { name: `the ${name} to ${target} of ${place.name}`, tellsEnd: relay.tellsEnd }
  return {
    kind: 'exec-relay',
    name,
    open: async (given) => new ProgramStream(await place.start(argv, given), ending),
  }
}

function noRelay(place: Place, { socket }: Door, passedOver: readonly string[]): Failure {
  const able = socket === undefined ? 'bash, perl, python3, socat or busybox' : 'perl, python3 or socat'
  return new Failure('unsupported', `no program in ${place.name} can be a relay: ${passedOver.join(', ')}`, {
    hint: `Publish the port of the container, or use an image that has ${able}.`,
  })
}
