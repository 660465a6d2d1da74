import type { RetentionPolicy } from '../retention/retention.ts'

/** Keeps the newest point and nothing else: tests add the rule that they are about. */
export const noRules: RetentionPolicy = {
  last: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  withinMilliseconds: 0,
  minimum: 1,
  timezone: 'UTC',
}
