import type { Commit } from '../../repository/documents/documents.ts'

/** Said in the commit of a point, so that everybody sees it who judges the app. It is public, and knows nothing that is secret. */
const LESS = 'less is proven: '

export function unprovenRemark(component: string, what: string): string {
  return `${LESS}component ${component}, ${what}`
}

export function unprovenIn({ remarks }: Pick<Commit, 'remarks'>): string | undefined {
  return remarks.find((remark) => remark.startsWith(LESS))
}
