/** Sentences that the names of what is not captured are appended to. */
export const WORDS = {
  own: 'What an in-place restore that did not finish left behind is not captured',
  elsewhere: 'What is on another file system is not captured',
  changing: 'A file was written while it was read, each time, and may be captured half old and half new',
  special: (kind: string): string => `A ${kind} has no content and is not captured`,
} as const
