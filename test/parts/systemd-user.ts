import type { Systemd } from './systemd.ts'

/** What an unprivileged user needs to ask systemd: the bus, and polkit behind it. Their own units, as those of the machine never run here. */
export const BUS_UNITS: Readonly<Record<string, string>> = {
  'dbus.socket': `[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/dbus/system_bus_socket
`,
  'dbus.service': `[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only
`,
  'polkit.service': `[Unit]
DefaultDependencies=no
Requires=dbus.service
After=dbus.service
[Service]
Type=dbus
BusName=org.freedesktop.PolicyKit1
ExecStart=/usr/lib/polkit-1/polkitd --no-debug
`,
}

/** Has an entry on every system, so that sudo and PAM know them. */
const USER = 'nobody'
const SUDOERS = '/etc/sudoers.d'
const RULES = '/etc/polkit-1/rules.d'

export interface SystemdUser {
  readonly run: Systemd['run']
  /** Replace what was installed before. Only this systemd sees it. */
  sudoers(text: string): Promise<void>
  polkit(text: string): Promise<void>
}

/** A user without rights beside a systemd that has BUS_UNITS. The folders of rights are empty ones of its own. */
export async function userOf(systemd: Systemd): Promise<SystemdUser> {
  const must = async (...argv: readonly string[]): Promise<void> => {
    const { code, out, error } = await systemd.run(...argv)
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${out}${error}`)
  }
  await must('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'none', SUDOERS)
  await must('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'none', RULES)
  await must('systemctl', 'start', 'polkit.service')
  const install = (path: string, mode: string, text: string): Promise<void> =>
    must('sh', '-c', 'umask 077; printf "%s\\n" "$1" >"$2"; chmod "$3" "$2"', 'sh', text, path, mode)
  return {
    run: (...argv) => systemd.run('setpriv', `--reuid=${USER}`, '--regid=nogroup', '--clear-groups', '--', ...argv),
    async sudoers(text) {
      await install(`${SUDOERS}/holdfast`, '440', text)
      await must('visudo', '--check', '--strict')
    },
    async polkit(text) {
      await install(`${RULES}/50-holdfast.rules`, '644', text)
      // It reads its rules at its start; that it sees a new file by itself comes a moment later.
      await must('systemctl', 'restart', 'polkit.service')
    },
  }
}
