import { z } from 'zod'

const remark = z.object({ what: z.string(), why: z.string() })

/** The part of a configuration that describes one app as it was found. */
export const draftSchema = z.object({
  app: z.string(),
  profile: z.string(),
  /** For people: where it was found. */
  place: z.string(),
  /** What stands in the file below `components:` of the app. */
  text: z.string(),
  /** What is left out of restore points, on purpose. */
  notCaptured: z.array(remark),
  /** What the operator has to decide; also in the file, as comments. */
  undecided: z.array(remark),
})
export type Draft = Readonly<z.infer<typeof draftSchema>>
export type Remark = Readonly<z.infer<typeof remark>>

/** What nobody could decide, with the lines that an operator may use. */
export interface Undecided extends Remark {
  /** By the name of the component. */
  readonly example?: Readonly<Record<string, unknown>>
}

/** Components, or a part of them, and what is to be said of it. */
export interface Found {
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly keyFit?: readonly unknown[]
  readonly notCaptured?: readonly Remark[]
  readonly undecided?: readonly Undecided[]
}
