import { Failure } from '../../core/failure.ts'

const LONGEST = 200
/** What moves the cursor, changes the direction of text, or is no character. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]/u

/** A report names a point with its note: nobody should have to look up which one is spoken of. */
export function noteOf({ note }: { readonly note?: string | undefined }): { readonly note?: string } {
  return note === undefined ? {} : { note }
}

/** What people say and lists show: short, and nothing that a terminal would act on. */
export function isOneLine(text: string): boolean {
  return text !== '' && text.length <= LONGEST && !UNPRINTABLE.test(text)
}

/** What somebody says of a point. It stands in lists, so it is one line; everybody who can list the points reads it. */
export function parseNote(text: string): string {
  const note = text.trim()
  if (isOneLine(note)) return note
  throw new Failure('usage', 'the note is not one line of 1 to 200 printable characters', {
    hint: 'Shorten it to one line. Everybody who can read the repository can read it.',
  })
}
