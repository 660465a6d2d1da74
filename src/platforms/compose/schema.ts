import { z } from 'zod'
import { ofFiles, ofHook, reachBase, type HoldsFiles } from '../reach.ts'

const ENGINE = /^(?:unix:\/\/\/[^\0]+|tcp:\/\/(?:\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5})$/
const projectName = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]*$/, 'expected the name of the project as docker compose ls prints it, and no path')
const serviceName = z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'expected the name of a service of the compose file')

export const composeSettings = z.strictObject({
  kind: z.literal('compose'),
  project: projectName.meta({ description: 'The name of the project, as docker compose ls prints it.' }),
  engine: z
    .string()
    .regex(ENGINE, 'expected unix:///path/of/a/socket or tcp://host:port')
    .default('unix:///var/run/docker.sock')
    .meta({ description: 'Where the container engine listens: unix:///path/of/a/socket or tcp://host:port.' }),
  certificates: z.string().min(1).optional().meta({
    description: 'Folder with ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH: tcp is then spoken with TLS.',
  }),
  services: z.array(serviceName).default([]).meta({
    description: 'Services that write to the data, in the order in which they are stopped. Never that of the database.',
  }),
  stopSeconds: z.number().int().positive().optional().meta({
    description: 'How long a container may take to stop before it is killed. Default: what its compose file says.',
  }),
  readySeconds: z.number().int().positive().default(300).meta({
    description: 'How long a container may take to run, and to be healthy where it has a health check.',
  }),
})
export type ComposeSettings = z.infer<typeof composeSettings>

export const composeReach = z.strictObject({
  kind: z.literal('compose'),
  service: serviceName.meta({ description: 'The service whose container the server runs in.' }),
  ...reachBase,
})
export type ComposeReach = z.infer<typeof composeReach> & HoldsFiles

export const composeFilesReach = z
  .strictObject({
    kind: z.literal('compose'),
    service: serviceName.meta({ description: 'The service whose container has the folder.' }),
  })
  .transform((reach) => ({ ...reach, ...ofFiles }))

export const composeHookReach = z
  .strictObject({
    kind: z.literal('compose'),
    service: serviceName.meta({ description: 'The service in whose container the program runs.' }),
  })
  .transform((reach) => ({ ...reach, ...ofHook }))
