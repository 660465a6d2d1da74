import type { RunEvent, Telling } from './channel.ts'
import type { AlarmSettings } from './settings.ts'

/** Tells it by the channel of this kind. Each is loaded when it is needed. */
export async function tellBy(settings: AlarmSettings, event: RunEvent, telling: Telling): Promise<void> {
  switch (settings.kind) {
    case 'heartbeat':
      return await (await import('./heartbeat.ts')).heartbeat.tell(settings, event, telling)
    case 'webhook':
      return await (await import('./webhook.ts')).webhook.tell(settings, event, telling)
    case 'mail':
      return await (await import('./mail.ts')).mail.tell(settings, event, telling)
    case 'ntfy':
      return await (await import('./ntfy.ts')).ntfy.tell(settings, event, telling)
    case 'textfile':
      return await (await import('./textfile.ts')).textfile.tell(settings, event, telling)
  }
}
