import type { FailureKind } from '../../core/failure.ts'

/** For failures that carry no hint of their own: nobody is left with only a message. */
const nextSteps: Readonly<Record<FailureKind, string>> = {
  usage: 'holdfast help <command> shows how a command is used.',
  incomplete: 'What is there is good. Repair what is named and run it again for the rest.',
  notFound: 'Check the name; holdfast check tests everything that the configuration names.',
  locked: 'Another run holds it. Wait until that has ended, then run this again.',
  denied: 'Check the key, password or rights that are named; holdfast check tests them.',
  refused: 'Repair what is named, then run it again.',
  unreachable: 'Check the address and the network; holdfast check tests every connection.',
  toolFailed: 'Repair what the tool says, or run holdfast check, which tests what it needs.',
  corrupt: 'Keep what is damaged for analysis and use another restore point or repository: holdfast points lists them.',
  unsupported: 'Use the version that is named, or a newer one.',
  bug: 'This is a defect in Holdfast. Please report it with the command you ran.',
  cancelled: 'It can be run again at any time; nothing half-done is listed.',
}

export function nextStep({ kind, hint }: { readonly kind: FailureKind; readonly hint?: string | undefined }): string {
  return hint ?? nextSteps[kind]
}
