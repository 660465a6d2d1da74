export interface ForgottenPrevious {
  readonly component: string
  readonly description: string
  readonly failure?: string
}

/** By the id of a restore. */
export type IsMine = (restoreId: string) => boolean
