import { z } from 'zod'

const command = z.array(z.string().min(1)).min(1)

/** Programs of the host, started without a shell. */
const workload = z.strictObject({
  running: command.meta({ description: 'Ends with 0 while the workload runs, and with 3 while it does not.' }),
  stop: command.meta({ description: 'Stops it and waits until it is down; ends with 0 also where it is down.' }),
  start: command.meta({ description: 'Starts it; ends with 0 also where it runs.' }),
})

export const hostSettings = z.strictObject({
  kind: z.literal('host'),
  units: z
    .array(z.string().regex(/^[\w@.:\\-]+\.[a-z]+$/, 'expected a unit with its suffix, for example portal.service'))
    .default([])
    .meta({
      description:
        'Units of systemd that write to the data, in the order in which they are stopped. Timers, sockets and paths that would start them again are found, and stopped before them.',
    }),
  sudo: z.boolean().default(false).meta({ description: 'Stop and start units by `sudo -n systemctl`.' }),
  workloads: z
    .record(z.string().min(1), workload)
    .default({})
    .meta({ description: 'What else writes to the data, by name, with the commands that stop and start it.' }),
  limitSeconds: z.number().positive().default(300).meta({ description: 'How long one command may take.' }),
})
export type HostSettings = z.infer<typeof hostSettings>
export type HostWorkload = z.infer<typeof workload>
