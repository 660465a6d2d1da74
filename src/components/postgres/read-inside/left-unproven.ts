const UNPROVEN =
  'its rows were counted against the dump and not against the live database, of which there is no fingerprint; attributes and passwords of roles and settings of the server are not captured'

/** What the operator can do about it. */
export const OPEN_A_WAY = 'Publish the port of the container, or give its image a program for a relay.'

/** For people: what is left unproven where no way leads to the server. */
export function leftUnproven(reader: string): string {
  return `read by ${reader}, as no way leads to the server: ${UNPROVEN}`
}
