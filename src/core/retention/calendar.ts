/** The calendar periods that contain one moment, as text: equal text means the same period. */
export interface CalendarPeriods {
  /** `2026-11-22` */
  readonly day: string
  /** ISO 8601: `2026-W47`. The year is that of the week's Thursday. */
  readonly week: string
  /** `2026-11` */
  readonly month: string
  /** `2026` */
  readonly year: string
}

const DAY = 86_400_000

/** Whether this runtime knows the IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Gives a function from epoch milliseconds to the periods of the wall calendar in `timeZone`, which must be known. */
export function calendarIn(timeZone: string): (milliseconds: number) => CalendarPeriods {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  })
  return (milliseconds) => {
    const parts = format.formatToParts(milliseconds)
    const number = (type: string): number => Number(parts.find((part) => part.type === type)?.value)
    return periodsOf(number('year'), number('month'), number('day'))
  }
}

function periodsOf(year: number, month: number, day: number): CalendarPeriods {
  const monthText = `${year}-${twoDigits(month)}`
  return {
    day: `${monthText}-${twoDigits(day)}`,
    week: isoWeek(Date.UTC(year, month - 1, day)),
    month: monthText,
    year: String(year),
  }
}

/** A week belongs to the year that has its Thursday, so the week is found from the Thursday. */
function isoWeek(midnight: number): string {
  const daysSinceMonday = (new Date(midnight).getUTCDay() + 6) % 7
  const thursday = midnight + (3 - daysSinceMonday) * DAY
  const year = new Date(thursday).getUTCFullYear()
  const week = Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY)) + 1
  return `${year}-W${twoDigits(week)}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
