/** Whose runs are told. */
export const namedCommands = ['backup', 'drill', 'prune', 'status'] as const
export type NamedCommand = (typeof namedCommands)[number]
