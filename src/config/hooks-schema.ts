import { z } from 'zod'
import { hookReachSettings } from '../platforms/settings.ts'

const hook = z.strictObject({
  command: z.array(z.string().min(1)).min(1).meta({ description: 'A program and its arguments, without a shell.' }),
  where: z
    .union([z.literal('here'), hookReachSettings])
    .default('here')
    .meta({
      description: 'here: on the machine that runs Holdfast. Or the container in which it runs, as reach names one.',
    }),
  limitSeconds: z.number().positive().max(86_400).default(300).meta({ description: 'How long it may take.' }),
  onFailure: z.enum(['fail', 'warn']).default('fail').meta({
    description: 'fail: the operation fails too. warn: it goes on, and says so.',
  }),
})

const hooks = z.array(hook).default([])

/** Programs that run before and after the app is captured or its live data is replaced. */
export const hooksSetting = z
  .strictObject({
    beforeCapture: hooks.meta({ description: 'Before the first component is read.' }),
    afterCapture: hooks.meta({ description: 'After the last component was read, also after a failure.' }),
    beforeRestore: hooks.meta({ description: 'Before a restore or undo stops the app.' }),
    afterRestore: hooks.meta({ description: 'After the app runs again, also after a failure.' }),
  })
  .prefault({})
  .meta({ description: 'Programs that run before and after the app is captured or its live data is replaced.' })
export type Hooks = z.infer<typeof hooksSetting>
export type Hook = z.infer<typeof hook>
