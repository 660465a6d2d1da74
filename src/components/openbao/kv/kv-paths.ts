/** Where a restore keeps what it needs on the server, at the root of a mount: never captured, never compared. */
export const OWN_FOLDER = 'holdfast-restore'

/** What percent-encoding leaves as it is. */
const PLAIN = /^[\w\-.!~*'()/]*$/

/** Each segment percent-encoded; a slash in a name does not exist. */
export function encodePath(path: string): string {
  return PLAIN.test(path) ? path : path.split('/').map(encodeURIComponent).join('/')
}

export function isOwnPath(path: string): boolean {
  return path === `${OWN_FOLDER}/` || path.startsWith(`${OWN_FOLDER}/`)
}
