import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../core/failure.ts'
import { recipient, signer, whole } from '../testing/examples.ts'
import { withKeys } from './with-keys.ts'

const cases: readonly (readonly [name: string, before: string, after: string])[] = [
  [
    'an empty list',
    `version: 1\nsigners: [] # none yet\n# end\n`,
    `version: 1\nsigners:\n  - ${signer} # none yet\n# end\n`,
  ],
  [
    'a list of lines',
    `signers:\n  - old # by ada\n  - older\n\n# next\nversion: 1\n`,
    `signers:\n  - ${signer}\n\n# next\nversion: 1\n`,
  ],
  ['a list without indentation', `signers:\n- old\nversion: 1\n`, `signers:\n  - ${signer}\nversion: 1\n`],
  [
    'a key with nothing',
    `version: 1\nsigners:\n\n# next\nstate: /s\n`,
    `version: 1\nsigners:\n  - ${signer}\n\n# next\nstate: /s\n`,
  ],
  [
    'no key',
    `# top\nversion: 1 # the first\n\n# next\nstate: /s`,
    `# top\nversion: 1 # the first\nsigners:\n  - ${signer}\n\n# next\nstate: /s`,
  ],
  ['a map in braces', `{ version: 1, signers: [old], state: /s }`, `{ version: 1, signers: ["${signer}"], state: /s }`],
  ['a map in braces without the key', `{ version: 1 }\n`, `{ version: 1, signers: ["${signer}"] }\n`],
  [
    'a list through an alias',
    `version: 1\nstate: &s [x]\nsigners: *s\n`,
    `version: 1\nstate: &s [x]\nsigners:\n  - ${signer}\n`,
  ],
]

for (const [name, before, after] of cases) {
  test(`signers replace ${name}`, () => assert.equal(withKeys(before, { signers: [signer] }), after))
}

test('recipients are entered for each repository', () => {
  const before = `version: 1\nrepositories:\n    # here\n    a: { url: x }\n    b:\n        url: y # there\n        region: z\n`
  const after = `version: 1\nrepositories:\n    # here\n    a: { url: x, recipients: ["${recipient}"] }\n    b:\n        url: y # there\n        recipients:\n          - ${recipient}\n          - ${recipient}\n        region: z\n`
  assert.equal(withKeys(before, { recipients: { a: [recipient], b: [recipient, recipient] } }), after)
})

test('a second time changes nothing', () => {
  const keys = { signers: [signer], recipients: { local: [recipient], offsite: [recipient] } }
  const once = withKeys(whole, keys)
  assert.equal(withKeys(once, keys), once)
})

test('no lists at all change nothing', () => assert.equal(withKeys(whole, {}), whole))

test('an empty list and strange text are written so that they are read back', () => {
  assert.equal(withKeys('version: 1\n', { signers: [] }), 'version: 1\nsigners: []\n')
  assert.equal(
    withKeys('version: 1\n', { signers: ['a: "b" # c', 'no', '-'] }),
    'version: 1\nsigners:\n  - "a: \\"b\\" # c"\n  - no\n  - "-"\n',
  )
})

const refused: readonly (readonly [name: string, text: string, pattern: RegExp])[] = [
  ['no YAML', 'a: [', /no map/],
  ['an empty file', '', /no map/],
  ['no version', 'state: /s\n', /no version/],
  ['an anchor that would go', 'version: 1\nsigners: &s [x]\nstate: *s\n', /signers cannot be written/],
]

for (const [name, text, pattern] of refused) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => withKeys(text, { signers: [signer] }),
      (error) => error instanceof Failure && error.kind === 'usage' && pattern.test(error.message),
    )
  })
}

test('a repository that is not there is refused', () => {
  assert.throws(() => withKeys(whole, { recipients: { ofsite: [recipient] } }), /no map repositories\.ofsite/)
})
