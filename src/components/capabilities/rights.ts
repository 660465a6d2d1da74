import type { Context } from '../../core/ports.ts'

/** The exact rights that Holdfast needs, as text that an administrator reads and applies. Changes nothing. */
export type Rights<Settings = unknown> = Grants<Settings> | Policy<Settings>

/** Statements that give the role of the settings its rights. */
interface Grants<Settings> {
  readonly form: 'grants'
  text(settings: Settings, purpose: GrantPurpose, context: Context): Promise<string>
}

/** A policy in the language of the server. */
interface Policy<Settings> {
  readonly form: 'policy'
  text(settings: Settings, purpose: 'capture' | 'restore', context: Context): Promise<string>
}

export type GrantPurpose = 'backup' | 'restore'
