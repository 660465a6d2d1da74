/** When something is due, by the wall clock of a zone: the values that each field allows, in ascending order. */
export interface CronTimes {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly days: readonly number[]
  readonly months: readonly number[]
  /** 0 is Sunday. */
  readonly weekdays: readonly number[]
}

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  /** Words for values, the first of them for `least`. */
  readonly words?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const FIELDS: Readonly<Record<keyof CronTimes, Field>> = {
  minutes: { name: 'minute', least: 0, most: 59 },
  hours: { name: 'hour', least: 0, most: 23 },
  days: { name: 'day of the month', least: 1, most: 31 },
  months: { name: 'month', least: 1, most: 12, words: MONTHS },
  weekdays: { name: 'day of the week', least: 0, most: 7, words: WEEKDAYS },
}
/** Of a leap year. */
const DAYS_OF_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Reads the five fields that crontab(5), Kubernetes and POSIX have in common: `*`, numbers, names, ranges, lists, steps.
 * Gives the text of what is wrong where it is no such line, or one that never comes, such as 30 February.
 */
export function parseCron(text: string): CronTimes | string {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== 5) return 'expected five fields: minute, hour, day of the month, month, day of the week'
  const [minutes, hours, days, months, weekdays] = Object.values(FIELDS).map((field, index) =>
    valuesOf(parts[index] ?? '', field),
  )
  for (const values of [minutes, hours, days, months, weekdays]) if (typeof values === 'string') return values
  // Each is a list: a text has just been given back.
  const times = { minutes, hours, days, months, weekdays: onceSunday(weekdays as readonly number[]) } as CronTimes
  return comes(times) ? times : `never comes: no month of those has such a day`
}

/** Whether a field leaves something out. Cron runs on days that either of the two fields of days allows, where both do. */
export function isRestricted(times: CronTimes, field: keyof CronTimes): boolean {
  const { least, most } = FIELDS[field]
  const all = field === 'weekdays' ? 7 : most - least + 1
  return times[field].length < all
}

function comes(times: CronTimes): boolean {
  if (isRestricted(times, 'weekdays')) return true
  return times.months.some((month) => times.days.some((day) => day <= (DAYS_OF_MONTHS[month - 1] ?? 0)))
}

/** Both 0 and 7 are Sunday. */
function onceSunday(weekdays: readonly number[]): readonly number[] {
  return ascending(weekdays.map((day) => day % 7))
}

function valuesOf(text: string, field: Field): readonly number[] | string {
  const lists = text.split(',').map((part) => valuesOfPart(part, field))
  const wrong = lists.find((list) => typeof list === 'string')
  return wrong ?? ascending(lists.flat().map(Number))
}

function valuesOfPart(part: string, field: Field): readonly number[] | string {
  const wrong = `${JSON.stringify(part)} is no ${field.name} from ${field.least} to ${field.most}`
  const [, from = '', to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/([1-9]\d*))?$/.exec(part) ?? []
  const isAll = from === '*'
  const first = isAll ? field.least : numberOf(from, field)
  // `5/15` begins at 5 and goes on to the end; not all programs read it, so it is refused.
  const last = isAll ? field.most : numberOf(to ?? from, field)
  if (first === undefined || last === undefined || first > last) return wrong
  if ((isAll && to !== undefined) || (!isAll && to === undefined && step !== undefined)) return wrong
  const by = Number(step ?? 1)
  return Array.from({ length: Math.floor((last - first) / by) + 1 }, (_, index) => first + index * by)
}

function numberOf(text: string, { least, most, words = [] }: Field): number | undefined {
  const word = words.indexOf(text.toLowerCase())
  const value = word < 0 ? (/^\d{1,2}$/.test(text) ? Number(text) : Number.NaN) : least + word
  return value >= least && value <= most ? value : undefined
}

function ascending(values: readonly number[]): readonly number[] {
  return [...new Set(values)].toSorted((a, b) => a - b)
}
