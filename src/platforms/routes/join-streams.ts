import type { Socket } from 'node:net'
import type { Duplex, Transform } from 'node:stream'

/**
 * Joins a connection of this host to a stream of a route, which holds back whoever is faster. The end of one side is the end of
 * input for the other, and its output goes on. An error of either destroys both. Resolves with the error of the route, if
 * there was one, when both are closed. Both must have been made with `allowHalfOpen`. What the route gives goes through `answers`.
 */
export async function joinStreams(local: Socket, remote: Duplex, answers?: Transform): Promise<Error | undefined> {
  let failure: Error | undefined
  remote.on('error', (error) => {
    failure ??= error
    local.destroy()
  })
  local.on('error', () => remote.destroy())
  const closed = [local, remote].map((stream) => closedOf(stream))
  local.once('close', () => remote.destroy())
  remote.once('close', () => {
    // What it gave may still be on its way, unless it was cut.
    if (!remote.readableEnded) local.destroy()
  })
  if (local.destroyed || remote.destroyed) {
    local.destroy()
    remote.destroy()
  } else {
    local.pipe(remote)
    if (answers === undefined) remote.pipe(local)
    else remote.pipe(answers).pipe(local)
  }
  await Promise.all(closed)
  return failure
}

function closedOf(stream: Duplex): Promise<void> {
  return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once('close', () => resolve()))
}
