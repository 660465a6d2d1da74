export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Weekday = (typeof weekdays)[number]

/** A time of the week in which the app may be stopped, by the wall clock of its time zone. */
export interface MaintenanceWindow {
  /** On which it opens. */
  readonly days: readonly Weekday[]
  /** `22:00`. In an hour that the clock leaves out, it opens behind that hour. */
  readonly from: string
  /** `02:00`, on the next day where that is not after `from`. Of an hour that the clock has twice, the second counts. */
  readonly to: string
  /** A known IANA name. */
  readonly timezone: string
}

/** `until` is when the open window closes, `next` when the next opens; in milliseconds since 1970. */
export type WindowState =
  | { readonly open: true; readonly until: number }
  | { readonly open: false; readonly next: number }

interface Span {
  readonly from: number
  readonly to: number
}

const [MINUTE, DAY] = [60_000, 86_400_000]
/** The longest that can lie between two openings, and a day of each side for windows over midnight. */
const DAYS_AHEAD = 9

/** Whether the app may be stopped at this moment. Undefined where there is no window, so that it always may. */
export function windowAt(windows: readonly MaintenanceWindow[], now: number): WindowState | undefined {
  const spans = windows.flatMap((window) => spansOf(window, now)).toSorted((a, b) => a.from - b.from)
  const current = spans.filter(({ from, to }) => from <= now && now < to)
  if (current.length > 0) return { open: true, until: Math.max(...current.map(({ to }) => to)) }
  const next = spans.find(({ from }) => from > now)
  return next === undefined ? undefined : { open: false, next: next.from }
}

/** All that are open now or open within the next week. */
function spansOf({ days, from, to, timezone }: MaintenanceWindow, now: number): readonly Span[] {
  const offsetAt = offsetsIn(timezone)
  const today = Math.floor((now + offsetAt(now)) / DAY) * DAY
  const midnights = Array.from({ length: DAYS_AHEAD + 1 }, (_, index) => today + (index - 1) * DAY)
  return midnights
    .filter((midnight) => days.includes(weekdays[new Date(midnight).getUTCDay()] ?? 'sun'))
    .map((midnight) => ({
      from: instantOf(midnight + minutesOf(from), offsetAt, 'first'),
      to: instantOf(midnight + minutesOf(to) + (minutesOf(to) > minutesOf(from) ? 0 : DAY), offsetAt, 'last'),
    }))
    .filter((span) => span.to > span.from && span.to > now)
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return (hours * 60 + minutes) * MINUTE
}

type OffsetAt = (instant: number) => number

/** When the wall clock shows this: the first or last time where it does so twice, and the next moment where it never does. */
function instantOf(wall: number, offsetAt: OffsetAt, which: 'first' | 'last'): number {
  const offsets = [offsetAt(wall - DAY), offsetAt(wall + DAY)].toSorted((a, b) => a - b)
  const [least = 0, most = 0] = offsets
  const found = [wall - most, wall - least].filter((instant) => instant + offsetAt(instant) === wall)
  const [first, last] = [found[0], found.at(-1)]
  if (first !== undefined && last !== undefined) return which === 'first' ? first : last
  return firstAfter(wall, wall - most, wall - least, offsetAt)
}

/** By halves, as a clock is changed at a whole minute. */
function firstAfter(wall: number, before: number, after: number, offsetAt: OffsetAt): number {
  let [low, high] = [before, after]
  while (high - low > MINUTE) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE) * MINUTE
    if (middle + offsetAt(middle) < wall) low = middle
    else high = middle
  }
  return high
}

/** How far the wall clock of the zone is ahead of UTC. */
function offsetsIn(timeZone: string): OffsetAt {
  const parts = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
  const numeric = Object.fromEntries(parts.map((part) => [part, 'numeric']))
  const format = new Intl.DateTimeFormat('en-US', { ...numeric, timeZone, hourCycle: 'h23', calendar: 'gregory' })
  return (instant) => {
    const shown = format.formatToParts(instant)
    const [year = 0, month = 1, ...rest] = parts.map((type) => Number(shown.find((one) => one.type === type)?.value))
    const [day, hour, minute, second] = rest
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000
  }
}
