import { z } from 'zod'

/** The setting of components that are read through the API of a server. */
export const retrySeconds = z
  .number()
  .positive()
  .default(60)
  .meta({ description: 'How long a request is repeated that the server cannot answer now.' })
