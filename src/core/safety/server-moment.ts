/** Which server data was read from, and how far that had come; what tells that it is no longer the same history. */
export interface ServerMoment {
  /** Names the server without saying what it calls itself. */
  readonly server: string
  /** Null where nobody could say it. */
  readonly timeline: number | null
  /** A place in the server's log such as `16/B374D848`. Null on a standby, which may lag behind what was read before. */
  readonly position: string | null
}

export const POSITION = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/

/**
 * In what way `now` is not what came after `before`; undefined where it may well be. What is not known says nothing. A newer
 * timeline is what every failover begins; one that begins before what was read lost what lay between.
 */
export function wentBack(before: ServerMoment, now: ServerMoment): string | undefined {
  if (before.server !== now.server) return 'it is another server'
  if (before.timeline !== null && now.timeline !== null && now.timeline < before.timeline)
    return `its timeline was ${before.timeline} and is ${now.timeline}`
  if (before.position === null || now.position === null) return undefined
  return placeOf(now.position) < placeOf(before.position)
    ? `its log was at ${before.position} and is at ${now.position}`
    : undefined
}

function placeOf(position: string): bigint {
  const [high = '0', low = '0'] = position.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}
