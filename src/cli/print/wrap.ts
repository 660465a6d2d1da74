/** What people read as sentences: findings, what was not captured, the hint below either. Tables and commands stay as they are. */
const SENTENCE = /^(?: {2}(?:ok|warning|ERROR|untested) +| {12}(?=\S)| {2}not captured|warning: |holdfast: )/
const MARK = /^ {2}(?:ok|warning|ERROR|untested) +/

/** Sentences broken at `width`, with what follows indented below their text. Without a width nothing is changed. */
export function wrapSentences(text: string, width: number | undefined): string {
  if (width === undefined) return text
  return text
    .split('\n')
    .map((line) => (line.length > width && SENTENCE.test(line) ? wrapLine(line, width) : line))
    .join('\n')
}

function wrapLine(line: string, width: number): string {
  const head = MARK.exec(line)?.[0] ?? /^ */.exec(line)?.[0] ?? ''
  const indent = MARK.test(line) ? head.length : head.length + 2
  const lines: string[] = []
  let current = head
  for (const word of line.slice(head.length).split(' ')) {
    const isFirst = current.trim() === '' || current === head
    if (!isFirst && current.length + 1 + word.length > width) {
      lines.push(current)
      current = ' '.repeat(indent) + word
    } else current += isFirst ? word : ` ${word}`
  }
  return [...lines, current].join('\n')
}
