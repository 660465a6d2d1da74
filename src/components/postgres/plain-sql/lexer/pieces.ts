/** A dump in the order of its text. `offset` is where the piece begins. */
export type Piece = Statement | Rows | RowsEnd | Line

/** One statement with its semicolon. */
export interface Statement {
  readonly type: 'statement'
  readonly offset: number
  readonly text: Buffer
  /** Its first bare words outside parentheses, in lower case. */
  readonly words: readonly string[]
  /** The client encoding that the text has set until here, in which its bytes are. */
  readonly encoding: string
  /** Rows follow. */
  readonly copies: boolean
}

/** Rows of the COPY statement before, cut anywhere. */
export interface Rows {
  readonly type: 'rows'
  readonly offset: number
  readonly rows: Buffer
}

export interface RowsEnd {
  readonly type: 'rowsEnd'
  readonly offset: number
}

/** A whole line between statements: a comment, or what psql would take for a command of its own (it begins with a backslash). */
export interface Line {
  readonly type: 'comment' | 'command'
  readonly offset: number
  readonly line: string
  /** Its bytes, as latin1: names in it are in the encoding of the dump. */
  readonly bytes: string
  /** A line break follows; without one the text ends here, perhaps within the line. */
  readonly ended: boolean
}
