/** From live data that may be a mixture to whole data. */
export function wayBack(app: string, safetyPoint: string | null): string {
  return safetyPoint === null
    ? 'There is no safety point: restore again, or restore another point.'
    : `Go back with holdfast restore ${app} --target in-place --at ${safetyPoint}, or restore again.`
}
