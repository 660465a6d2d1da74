/**
 * The fixed texts that relays run. What is asked for comes as arguments. Each exits with 0 only when the server has ended and
 * all that it sent was given; with another code when the connection broke, and when our end came first and the server did not
 * end within two seconds. None leaves a process behind that goes on.
 *
 * A server that is process 1 of its container takes every process that is left there for one of its own: PostgreSQL ends all
 * sessions when one dies by a signal, or with a code other than 0 and 1. So nobody is killed but by a pipe whose other
 * part waits for it, and who may be left behind ends with 0 or 1. SIGPIPE is ignored for the same reason.
 *
 * Shells copy by dd: cat of BusyBox lets the kernel copy from a socket, which gives nothing before it has 16 MiB.
 */

/**
 * The last part of a pipe of a shell, to whom the others report their process ids and what ended; its exit code is that of
 * all. It first hears of `in`, which copies our input and would wait for more after the end. `out` copies what the server
 * says. It ends both, whose parents wait for them and then end by themselves.
 */
const REPORTED_TO = `{
  exec 3>&- 4<&- 5>&-
  in= timer= out= code=
  while read -r what value; do
    case "$what" in
      in) in=$value ;;
      timer) timer=$value ;;
      out) out=$value ;;
      late) if [ -z "$code" ]; then kill "$out"; exit 1; fi ;;
      end) code=$value ;;
    esac
    if [ -n "$code" ] && [ -n "$in" ]; then kill $in $timer 2>/dev/null; [ "$code" = 0 ]; exit; fi
  done
  exit 1
}`

/** Argument: the port. Not by `wait -n`: it may pass over a process that ended before. */
export const BASH_RELAY = `trap '' PIPE
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 111
exec 4<&0 5>&1
{
  {
    dd bs=65536 <&4 >&3 5>&- 6>&- 2>/dev/null & echo "in $!" >&6
    exec 3>&- 4<&-
    wait "$!" || exit 0
    sleep 2 & echo "timer $!" >&6 2>/dev/null
    wait "$!" && echo late >&6 2>/dev/null
    exit 0
  } &
  {
    dd bs=65536 <&3 >&5 4<&- 6>&- 2>/dev/null & echo "out $!" >&6
    exec 3>&- 4<&- 5>&-
    wait "$!"
    echo "end $?" >&6
  }
} 6>&1 | ${REPORTED_TO}`

/** Arguments: `tcp` and a port, or `unix` and a path. */
export const PERL_RELAY = `use strict; use Socket; use POSIX ();
my ($kind, $to) = @ARGV;
my $family = $kind eq 'unix' ? PF_UNIX : PF_INET;
my $address = $kind eq 'unix' ? pack_sockaddr_un($to) : pack_sockaddr_in($to, INADDR_LOOPBACK);
my $server;
socket($server, $family, SOCK_STREAM, 0) && connect($server, $address) or do { print STDERR "$!\\n"; POSIX::_exit(111) };
$SIG{PIPE} = 'IGNORE';
sub copy {
  my ($from, $into) = @_;
  while (1) {
    my $length = sysread($from, my $bytes, 65536);
    next if !defined $length && $!{EINTR};
    return 1 if !defined $length;
    return 0 if $length == 0;
    for (my $at = 0; $at < $length;) {
      my $written = syswrite($into, $bytes, $length - $at, $at);
      next if !defined $written && $!{EINTR};
      return 2 if !defined $written;
      $at += $written;
    }
  }
}
my $out = fork;
defined $out or POSIX::_exit(112);
if ($out == 0) { close STDIN; POSIX::_exit(copy($server, \\*STDOUT) ? 1 : 0) }
close STDOUT;
$SIG{CHLD} = sub { waitpid($out, 0); POSIX::_exit($? & 127 ? 1 : $? >> 8) };
POSIX::_exit($? & 127 ? 1 : $? >> 8) if waitpid($out, POSIX::WNOHANG()) > 0;
if (copy(\\*STDIN, $server) == 0) { shutdown($server, 1); select(undef, undef, undef, 2); $SIG{CHLD} = 'DEFAULT'; kill 'TERM', $out; waitpid($out, 0); POSIX::_exit(3) }
sleep 1 while 1;`

/** Arguments: `tcp` and a port, or `unix` and a path. */
export const PYTHON_RELAY = `import os, socket, sys, threading
kind, to = sys.argv[1:]
try:
    server = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    server.connect(to if kind == "unix" else ("127.0.0.1", int(to)))
except OSError as error:
    os.write(2, str(error).encode())
    os._exit(111)
def give():
    try:
        while True:
            data = server.recv(65536)
            if not data:
                os._exit(0)
            data = memoryview(data)
            while data:
                data = data[os.write(1, data):]
    except OSError as error:
        os.write(2, str(error).encode())
        os._exit(1)
giving = threading.Thread(target=give, daemon=True)
giving.start()
try:
    while True:
        data = os.read(0, 65536)
        if not data:
            break
        server.sendall(data)
    server.shutdown(socket.SHUT_WR)
except OSError:
    giving.join()
giving.join(2)
os._exit(3)`

/** Arguments: the command line of an nc that ends when the server does. What it is told of the end of our input does not end it. */
export const NETCAT_RELAY = `trap '' PIPE
if [ "$1" = busybox ]; then b=busybox; else b=; fi
exec 4<&0 5>&1
{
  {
    $b dd bs=65536 <&4 5>&- 6>&- 2>/dev/null & echo "in $!" >&6
    wait "$!" || exit 0
    exec >&- 4<&-
    $b sleep 2 & echo "timer $!" >&6 2>/dev/null
    wait "$!" && echo late >&6 2>/dev/null
    exit 0
  } | {
    exec 7<&0
    "$@" <&7 >&5 6>&- 4<&- & echo "out $!" >&6
    exec 7<&- <&-
    wait "$!"
    echo "end $?" >&6
  }
} 6>&1 | ${REPORTED_TO}`
