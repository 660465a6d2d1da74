import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asOfEnvironment, Failure, failureKinds, isAboutTheData, toFailure, type FailureKind } from './failure.ts'

const raw = (code: string): Error => Object.assign(new Error(`${code}: in the words of the system, write`), { code })

/** What the system says of disks, rights, limits and programs, and what the caller should do about it. */
const table: Readonly<Record<string, FailureKind>> = {
  ENOSPC: 'refused',
  EDQUOT: 'refused',
  EMFILE: 'refused',
  ENFILE: 'refused',
  ENOMEM: 'refused',
  EAGAIN: 'refused',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EIO: 'unreachable',
  ESTALE: 'unreachable',
  ENOENT: 'notFound',
  ECONNREFUSED: 'unreachable',
}

for (const [code, kind] of Object.entries(table)) {
  test(`${code} is ${kind} with a next step, however deep it lies, and says nothing about the data`, () => {
    const failure = toFailure(new Error('in between', { cause: raw(code) }))
    assert.equal(failure.kind, kind)
    assert.match(failure.hint ?? '', /\.$/)
    assert.equal(isAboutTheData(failure), false)
  })
}

test('what is nothing known is a bug, and what is a failure already stays as it is', () => {
  assert.deepEqual([toFailure(raw('EINVAL')).kind, toFailure('text').kind], ['bug', 'bug'])
  const deep = new Failure('toolFailed', 'it stopped', { cause: raw('ENOSPC') })
  assert.equal(toFailure(deep), deep)
})

test('only damage, what could not be restored, and what a tool or server does not take, say something about the data', () => {
  const kinds = (Object.keys(failureKinds) as FailureKind[]).filter((kind) => isAboutTheData(new Failure(kind, 'x')))
  assert.deepEqual(kinds, ['incomplete', 'toolFailed', 'corrupt'])
  const refused = (accept: string): Failure => new Failure('refused', 'x', { facts: { accept } })
  assert.deepEqual([isAboutTheData(refused('without-rows')), isAboutTheData(refused('in-steps'))], [true, false])
})

test('a program that did not come to its end, or is one of our own, says nothing about the data', () => {
  const failure = asOfEnvironment(new Failure('toolFailed', 'initdb failed', { facts: { exitCode: 1 } }))
  assert.deepEqual([failure.kind, failure.facts['exitCode'], isAboutTheData(failure)], ['toolFailed', 1, false])
  assert.equal(asOfEnvironment(new Failure('corrupt', 'x')).kind, 'corrupt')
})
