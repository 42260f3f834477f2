/** The guest's side of booting, as text: the kernel's command line and the script that is its first process. */

export interface GuestPlan {
  /** The unpacked packages. */
  readonly packages: string;
  /** Folder of the host that the guest may write to; the guest finds it at /run/lab. */
  readonly shared: string;
  /** The node program, and the compiled agent it runs. */
  readonly node: string;
  readonly agent: string;
  /** Debian's name of the machine, e.g. `x86_64-linux-gnu`, where unpacked libraries lie. */
  readonly multiarch: string;
  readonly memoryMb: number;
  /** Modules to load before the agent starts; others load when something asks for them. */
  readonly modules: readonly string[];
}

/** Serial line that carries the protocol, and the one that carries a shell. */
export const agentLine = '/dev/ttyS0';
export const shellLine = '/dev/ttyS1';

/**
 * Arguments of `linux.uml`. Descriptors: 3 and 4 are the agent's line in and out, 5 and 6 the shell's. The host's root
 * is the guest's, read-only. `init` is a shell with the script as its argument, since the script may lie where the
 * host forbids execution.
 */
export function kernelArguments(plan: GuestPlan, script: string): string[] {
  return [
    `mem=${plan.memoryMb}M`,
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    'con=null',
    'con0=null,fd:1',
    'ssl=null',
    'ssl0=fd:3,fd:4',
    'ssl1=fd:5,fd:6',
    `uml_dir=${plan.shared}/uml`,
    'umid=lab',
    'quiet',
    'panic=-1',
    'init=/bin/sh',
    '--',
    script,
  ];
}

/**
 * The guest's first process: lays the unpacked packages over the host's root, moves there, and becomes the agent.
 * Everything written lands on a tmpfs. The packages are mounted by themselves because overlayfs refuses layers that
 * lie within each other. pivot_root, not chroot, so that the kernel's own calls of modprobe see the new root as well.
 */
export function initScript(plan: GuestPlan): string {
  const library = `${plan.packages}/usr/lib/${plan.multiarch}`;
  return `export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
set -e
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/boot/lib /run/packages /run/upper /run/work /run/root
ln -s ${plan.packages}/usr/lib/uml/modules /run/boot/lib/modules
# The packaged links lead to /bin/kmod, which is not there yet; kmod acts by the name it is called by.
ln -s ${plan.packages}/usr/bin/kmod /run/boot/modprobe
[ -e /run/boot/modprobe ] || { rm /run/boot/modprobe; ln -s "$(command -v kmod)" /run/boot/modprobe; }
LD_LIBRARY_PATH=${library} /run/boot/modprobe -d /run/boot overlay
mount -t hostfs none /run/packages -o ${plan.packages},ro
mount -t overlay overlay -o lowerdir=/run/packages:/,upperdir=/run/upper,workdir=/run/work /run/root
cd /run/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs dev dev
mkdir -p dev/pts dev/shm
mount -t devpts devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs run
mkdir -p run/lab run/old run/lock usr/lib/modules
mount -t hostfs none run/lab -o ${plan.shared}
ln -s ../uml/modules/$(uname -r) usr/lib/modules/$(uname -r)
pivot_root . run/old
cd /
hostname ipvigil-lab
modprobe -a ${plan.modules.join(' ')}
ip link set lo up
stty -F ${agentLine} raw -echo -echoe -echok -echoctl -echoke
export HOME=/tmp TMPDIR=/tmp LANG=C.UTF-8
exec ${plan.node} --enable-source-maps ${plan.agent} ${agentLine} /run/lab
`;
}

/** Characters that neither the kernel's command line nor mount options can carry. */
export function isPlainPath(file: string): boolean {
  return /^\/[A-Za-z0-9._/@+~-]*$/.test(file);
}
