import { z } from 'zod'

export const recipient = `age1${'q'.repeat(58)}`
export const signer = `ed25519:${'A'.repeat(43)}=`

/** A second kind of component, so that the tests of the configuration depend on no more than one real kind. */
export const filesStandIn = z.strictObject({
  kind: z.literal('files'),
  path: z.string(),
  exclude: z.array(z.string()).default([]),
})

/** A configuration with every key of its own. Tests count its lines. */
export const whole = `# one of everything
version: 1
state: /var/lib/holdfast
signingKey: file:/etc/holdfast/signing.key
identity: file:/etc/holdfast/identity.txt
signers: [${signer}]
repositories:
  local: { url: file:///srv/holdfast, recipients: [${recipient}] }
  offsite:
    url: s3://bucket/prefix
    endpoint: https://s3.example.org
    region: eu-1
    accessKey: env:S3_ACCESS_KEY
    secretKey: file:/etc/holdfast/s3.secret
    pathStyle: true
    ca: /etc/ssl/own-ca.pem
    insecureTls: false
    recipients:
      - ${recipient}
apps:
  portal:
    repositories: [local, offsite]
    interval: 12h
    retention: { last: 2, daily: 7, weekly: 4, monthly: 12, yearly: 5, within: 30d, minimum: 3, timezone: Europe/Paris }
    components:
      database:
        kind: postgres
        host: db.example.org
        port: 5432
        database: portal
        user: portal
        password: file:/etc/holdfast/db.password
        tls: verify-full
      files:
        kind: files
        path: /srv/portal
`
