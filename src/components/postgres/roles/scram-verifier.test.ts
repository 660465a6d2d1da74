import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../core/secret.ts'
import { scramVerifier } from './scram-verifier.ts'

test('a verifier is what PostgreSQL makes of the same password and salt', () => {
  // From RFC 7677, whose user has the password `pencil`.
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  assert.equal(
    scramVerifier(new Secret('pencil'), salt).reveal(),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
  assert.notEqual(scramVerifier(new Secret('pencil')).reveal(), scramVerifier(new Secret('pencil')).reveal())
})
