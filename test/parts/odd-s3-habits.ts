import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export type OddCall = 'put' | 'get' | 'head' | 'delete' | 'list' | 'uploads' | 'begin' | 'part' | 'complete' | 'abort'

export interface OddRequest {
  readonly call: OddCall
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface OddAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Content-Length, where it is not that of the body. */
  readonly length?: number
  readonly withoutLength?: boolean
  readonly withoutDate?: boolean
}

/** What a server does in another way than the one of AWS. */
export interface Habit {
  /** Answers in the server's place, or changes what it sees of the request; `count` says the how-manieth of its kind it is. */
  readonly before?: (request: OddRequest, count: number) => OddAnswer | OddRequest | undefined
  readonly after?: (request: OddRequest, answer: OddAnswer) => OddAnswer
  /** The order of a listing. */
  readonly order?: (keys: readonly string[], prefix: string) => string[]
}

const refusing = (status: number, code = 'NotImplemented'): OddAnswer => ({
  status,
  headers: { 'Content-Type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
})

const answersTo =
  (call: OddCall, change: (answer: OddAnswer, request: OddRequest) => OddAnswer): NonNullable<Habit['after']> =>
  (request, answer) =>
    request.call === call ? change(answer, request) : answer

/** Refuses every request of a kind. */
const lacking = (call: OddCall, status = 501, code?: string): Habit => ({
  before: (request) => (request.call === call ? refusing(status, code) : undefined),
})

/** Refuses requests with a header. */
const refusingHeader = (pattern: RegExp, status = 501, code?: string): Habit => ({
  before: ({ headers }) =>
    Object.keys(headers).some((name) => pattern.test(name)) ? refusing(status, code) : undefined,
})

/** Refuses requests of a kind that have a header, or answers as if they did not have it. */
const condition = (call: OddCall, name: string, how: 'refuses' | 'ignores', status = 501): Habit => ({
  before: (request) => {
    if (request.call !== call || request.headers[name] === undefined) return undefined
    return how === 'refuses' ? refusing(status) : { ...request, headers: { ...request.headers, [name]: undefined } }
  },
})

const listing = (change: (body: string, request: OddRequest) => string): Habit => ({
  after: answersTo('list', (answer, request) => ({ ...answer, body: change(String(answer.body), request) })),
})

const hash = (text: string): string => createHash('md5').update(text).digest('hex')
const byHash = (keys: readonly string[]): string[] =>
  keys
    .map((key) => ({ key, order: key.split('/').map(hash).join('/') }))
    .sort((one, other) => (one.order < other.order ? -1 : 1))
    .map(({ key }) => key)

/** By name; `none` is a server without any. */
export const habits: Readonly<Record<string, Habit>> = {
  none: {},
  // Listings.
  otherOrderBelowSlash: { order: (keys, prefix) => (prefix.endsWith('/') ? byHash(keys) : [...keys]) },
  otherOrder: { order: (keys) => byHash(keys) },
  byFolder: {
    order: (keys) => keys.toSorted((one, other) => (one.split('/').join('\0') < other.split('/').join('\0') ? -1 : 1)),
  },
  repeatsEverySecond: {
    order: (keys) => keys.flatMap((key, index) => (index % 2 === 1 ? [key, key] : [key])),
  },
  noKeyCount: listing((body) => body.replace(/<KeyCount>.*<\/KeyCount>/, '')),
  noIsTruncated: listing((body) => body.replace(/<IsTruncated>.*<\/IsTruncated>/, '')),
  noNextToken: listing((body) => body.replace(/<NextContinuationToken>.*<\/NextContinuationToken>/, '')),
  sameToken: listing((body) =>
    body.replace(
      /<NextContinuationToken>.*<\/NextContinuationToken>/,
      '<NextContinuationToken>0</NextContinuationToken>',
    ),
  ),
  unknownElement: listing((body) => body.replace('<Name>', '<Odd><Deep a="b">x</Deep></Odd><Name>')),
  noSizes: listing((body) => body.replaceAll(/<Size>\d+<\/Size>/g, '')),
  cutListing: listing((body) => body.slice(0, -10)),
  pageOfHtml: listing(() => '<html><body>Please log in</body></html>'),
  lagging: listing((body) => body.replace(/<Contents>(?!.*<Contents>).*<\/Contents>/s, '')),
  truncating: listing((body) =>
    body
      .replace('<IsTruncated>true', '<IsTruncated>false')
      .replace(/<NextContinuationToken>.*<\/NextContinuationToken>/, ''),
  ),
  // Reading.
  getWithoutLength: { after: answersTo('get', (answer) => ({ ...answer, withoutLength: true })) },
  headWithoutLength: { after: answersTo('head', (answer) => ({ ...answer, withoutLength: true })) },
  headOfZero: { after: answersTo('head', (answer) => ({ ...answer, length: 0 })) },
  headWithoutDate: {
    after: answersTo('head', (answer) => {
      const { 'Last-Modified': _, ...headers } = answer.headers ?? {}
      return { ...answer, headers }
    }),
  },
  noHead: lacking('head', 405, 'MethodNotAllowed'),
  ignoresRange: condition('get', 'range', 'ignores'),
  refusesRange: condition('get', 'range', 'refuses'),
  noIfMatch: condition('get', 'if-match', 'refuses'),
  forbidsMissing: {
    after: answersTo('head', (answer) => (answer.status === 404 ? { ...answer, status: 403 } : answer)),
  },
  noMetadata: {
    after: (_, answer) => {
      const { 'x-amz-meta-holdfast-put': _mark, ...headers } = answer.headers ?? {}
      return { ...answer, headers }
    },
  },
  smallHeaders: {
    after: (_, answer) => ({
      ...answer,
      headers: Object.fromEntries(
        Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
      ),
    }),
  },
  noDate: { after: (_, answer) => ({ ...answer, withoutDate: true }) },
  // Writing.
  putConditionRefused: condition('put', 'if-none-match', 'refuses'),
  putConditionIgnored: condition('put', 'if-none-match', 'ignores'),
  completeConditionRefused: condition('complete', 'if-none-match', 'refuses'),
  completeConditionInvalid: condition('complete', 'if-none-match', 'refuses', 400),
  completeConditionIgnored: condition('complete', 'if-none-match', 'ignores'),
  conditionsRefused: refusingHeader(/^if-none-match$/),
  tagIsNoHash: {
    after: (_, answer) =>
      answer.headers?.['ETag'] === undefined
        ? answer
        : { ...answer, headers: { ...answer.headers, ETag: 'W/"5-odd"' } },
  },
  completesWithoutTag: {
    after: answersTo('complete', (answer) => ({
      ...answer,
      body: '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>',
    })),
  },
  completesWithError: {
    before: ({ call }) => (call === 'complete' ? { ...refusing(500, 'NotImplemented'), status: 200 } : undefined),
  },
  completesOnceWithError: {
    before: ({ call }, count) =>
      call === 'complete' && count === 1 ? { ...refusing(500, 'InternalError'), status: 200 } : undefined,
  },
  noParts: lacking('begin'),
  partsWithoutTag: { after: answersTo('part', (answer) => ({ ...answer, headers: {} })) },
  noChecksums: refusingHeader(/^(x-amz-(sdk-)?checksum|x-amz-trailer|content-encoding)/, 400, 'InvalidArgument'),
  noDigest: refusingHeader(/^content-md5$/),
  noExpect: refusingHeader(/^expect$/, 417, 'ExpectationFailed'),
  wantsLength: {
    before: ({ call, headers }) =>
      ['put', 'part', 'begin', 'complete'].includes(call) && headers['content-length'] === undefined
        ? refusing(411, 'MissingContentLength')
        : undefined,
  },
  dropsPuts: { before: ({ call }) => (call === 'put' ? { status: 200, headers: { ETag: '"x"' } } : undefined) },
  // Removal and the rest.
  noDelete: lacking('delete', 405, 'MethodNotAllowed'),
  removalAnswers200: {
    after: answersTo('delete', (answer) => ({ ...answer, status: 200 })),
  },
  noUploadsList: lacking('uploads'),
  sometimesBusy: {
    before: (_, count) => (count % 3 === 1 ? refusing(503, 'SlowDown') : undefined),
  },
  elsewhere: {
    before: () => ({
      ...refusing(307, 'TemporaryRedirect'),
      headers: { Location: 'https://other.example.org/bucket' },
    }),
  },
  otherClock: { before: () => refusing(403, 'RequestTimeTooSkewed') },
}
