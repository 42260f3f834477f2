/**
 * Debian packages for the lab, without root and without installing anything: apt's own resolver says which packages
 * and libraries this machine lacks, `apt-get download` fetches them, `dpkg -x` unpacks them into a folder of the cache.
 *
 * The cache is `$IPVIGIL_CACHE`, else `$XDG_CACHE_HOME/ipvigil`, else `~/.cache/ipvigil`:
 * ```
 * apt/                     apt's lists and state, ours alone
 * debs/                    downloads of an unfinished run, kept so that the next one goes on
 * packages/HASH/           one unpacked set, named after its packages and versions, never changed once it is there
 * packages/KEY.json        which set serves this release, architecture and package list
 * lock                     one process at a time changes any of this
 * ```
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  aptComplaint,
  cacheKey,
  type PackageVersion,
  parseDownloadLine,
  parseOsRelease,
  parseSimulatedInstall,
} from './package-plan.ts';
import { LabUnavailable } from './unavailable.ts';

/** What the lab needs inside the guest. apt adds whatever libraries these miss on this machine. */
export const labPackages: readonly string[] = [
  'user-mode-linux',
  'kmod',
  'iproute2',
  'ipvsadm',
  'keepalived',
  'nginx-light',
  'curl',
  'tcpdump',
];

/** A folder that holds unpacked packages, laid out like the root of a file system with a merged /usr. */
export interface UnpackedPackages {
  readonly root: string;
  readonly packages: readonly PackageVersion[];
}

export interface PackageOptions {
  /** Package names; {@link labPackages} when not given. */
  readonly packages?: readonly string[];
  /** The cache folder; {@link cacheFolder} when not given. */
  readonly cache?: string;
  /** Gets one line for each thing that is done; nothing is called when the cache already holds all. */
  readonly progress?: (line: string) => void;
}

interface Stamp {
  /** Size and time of dpkg's status file: another one may mean other missing libraries. */
  readonly installed: string;
  readonly root: string;
  readonly packages: readonly PackageVersion[];
}

const dpkgStatus = '/var/lib/dpkg/status';
const listsMaxAgeMs = 24 * 3600_000;
const lockBeatMs = 5_000;
const lockStaleMs = 60_000;

/** The cache folder of this user: `$IPVIGIL_CACHE`, else `$XDG_CACHE_HOME/ipvigil`, else `~/.cache/ipvigil`. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment.IPVIGIL_CACHE;
  if (own !== undefined && own !== '') {
    return path.resolve(own);
  }
  const xdg = environment.XDG_CACHE_HOME;
  return xdg !== undefined && path.isAbsolute(xdg)
    ? path.join(xdg, 'ipvigil')
    : path.join(homedir(), '.cache', 'ipvigil');
}

/**
 * Gives the unpacked packages, from the cache or by fetching them. Throws {@link LabUnavailable} where that cannot
 * work: no apt, no such package in this release, no network.
 */
export async function unpackedPackages(options: PackageOptions = {}): Promise<UnpackedPackages> {
  const names = [...(options.packages ?? labPackages)].sort();
  const cache = options.cache ?? cacheFolder();
  const progress = options.progress ?? (() => undefined);
  const release = parseOsRelease(await fs.readFile('/etc/os-release', 'utf8').catch(() => ''));
  const status = await fs.stat(dpkgStatus).catch(() => undefined);
  const aptGet = await findProgram('apt-get');
  const dpkg = await findProgram('dpkg');
  if (status === undefined || aptGet === undefined || dpkg === undefined) {
    throw new LabUnavailable(
      `the lab's packages come from apt, and this machine (${release.id} ${release.version}) is not a Debian or Ubuntu system`,
    );
  }
  const architecture = (await capture(dpkg, ['--print-architecture'], {})).stdout.trim();
  const installed = `${status.size}-${Math.trunc(status.mtimeMs)}`;
  const folder = path.join(cache, 'packages');
  const stampFile = path.join(folder, `${cacheKey(release, architecture, digest(names.join(' ')))}.json`);

  const ready = async (): Promise<UnpackedPackages | undefined> => {
    const stamp = await readStamp(stampFile);
    if (stamp?.installed !== installed) {
      return undefined;
    }
    const root = path.join(folder, stamp.root);
    return (await exists(root)) ? { root, packages: stamp.packages } : undefined;
  };

  const cached = await ready();
  if (cached !== undefined) {
    return cached;
  }
  try {
    await fs.mkdir(folder, { recursive: true });
  } catch (error) {
    throw new LabUnavailable(`the cache folder ${folder} cannot be made: ${messageOf(error)}`);
  }
  return await withLock(path.join(cache, 'lock'), progress, async () => {
    const meanwhile = await ready();
    if (meanwhile !== undefined) {
      return meanwhile;
    }
    await removeLeftovers(folder);
    const older = await readStamp(stampFile);
    let apt: Apt;
    let packages: readonly PackageVersion[];
    try {
      apt = await Apt.prepare(aptGet, path.join(cache, 'apt'), progress);
      packages = await apt.missing(names);
    } catch (error) {
      // Something was installed or removed on this machine since, and apt cannot say whether it matters.
      if (!(error instanceof LabUnavailable) || older === undefined || !(await exists(path.join(folder, older.root)))) {
        throw error;
      }
      progress(`${error.message}; going on with the packages of an earlier run`);
      return { root: path.join(folder, older.root), packages: older.packages };
    }
    const root = () => path.join(folder, digest(packages.map((each) => `${each.name}=${each.version}`).join(' ')));
    if (!(await exists(root()))) {
      const debs = path.join(cache, 'debs');
      try {
        await apt.download(packages, debs);
      } catch (error) {
        if (apt.updated) {
          throw error;
        }
        // Lists from yesterday may name versions that the archive has replaced since.
        await apt.update();
        packages = await apt.missing(names);
        await apt.download(packages, debs);
      }
      await unpack(dpkg, packages, debs, root(), progress);
      await fs.rm(debs, { recursive: true, force: true });
    }
    const stamp: Stamp = { installed, root: path.basename(root()), packages };
    await writeAtomically(stampFile, JSON.stringify(stamp));
    return { root: root(), packages };
  });
}

/** apt-get with lists, cache and state of its own, and without the hooks that the host configured for itself. */
class Apt {
  /** Whether this process fetched the package lists. */
  updated = false;
  readonly #program: string;
  readonly #folder: string;
  readonly #progress: (line: string) => void;

  private constructor(program: string, folder: string, progress: (line: string) => void) {
    this.#program = program;
    this.#folder = folder;
    this.#progress = progress;
  }

  static async prepare(program: string, folder: string, progress: (line: string) => void): Promise<Apt> {
    await fs.mkdir(path.join(folder, 'lists', 'partial'), { recursive: true });
    await fs.mkdir(path.join(folder, 'cache', 'archives', 'partial'), { recursive: true });
    const quoted = folder.replaceAll('"', '');
    await writeAtomically(
      path.join(folder, 'apt.conf'),
      [
        '#clear APT::Update::Pre-Invoke;',
        '#clear APT::Update::Post-Invoke;',
        '#clear APT::Update::Post-Invoke-Success;',
        '#clear DPkg::Post-Invoke;',
        `Dir::State "${quoted}";`,
        `Dir::State::lists "${quoted}/lists";`,
        `Dir::State::status "${dpkgStatus}";`,
        `Dir::Cache "${quoted}/cache";`,
        `Dir::Log "${quoted}";`,
        // As root, apt would drop to the user _apt, who may not write into a private cache.
        'APT::Sandbox::User "";',
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
        '',
      ].join('\n'),
    );
    const apt = new Apt(program, folder, progress);
    const lists = await fs.stat(path.join(folder, 'updated')).catch(() => undefined);
    if (lists === undefined || Date.now() - lists.mtimeMs > listsMaxAgeMs) {
      await apt.update();
    }
    return apt;
  }

  async update(): Promise<void> {
    this.#progress('fetching package lists (apt-get update, into the cache folder)');
    const { code, output } = await this.#run(['update'], this.#folder, 180_000);
    const lists = (await fs.readdir(path.join(this.#folder, 'lists'))).some((name) => name.includes('_Packages'));
    if (!lists) {
      throw new LabUnavailable(
        `apt-get update fetched no package lists: ${aptComplaint(output) ?? `exit code ${code}`}`,
      );
    }
    // One unreachable third-party source fails the whole command; what matters is whether our packages resolve.
    this.updated = true;
    if (code === 0 && aptComplaint(output) === undefined) {
      await fs.writeFile(path.join(this.#folder, 'updated'), '');
    }
  }

  /** The packages of `names` and of all they need that this machine does not have installed. */
  async missing(names: readonly string[]): Promise<PackageVersion[]> {
    const list = async (forced: readonly string[]) =>
      await this.#run(
        ['--simulate', '--no-install-recommends', '--no-upgrade', 'install', ...names, ...forced],
        this.#folder,
        60_000,
      );
    const { code, output } = await list([]);
    if (code !== 0) {
      throw new LabUnavailable(
        `apt cannot provide ${names.join(', ')} here: ${aptComplaint(output) ?? `exit code ${code}`}`,
      );
    }
    return parseSimulatedInstall(output);
  }

  /** Puts the packages' .deb files into `debs`; those that are there already are not fetched again. */
  async download(packages: readonly PackageVersion[], debs: string): Promise<void> {
    await fs.mkdir(debs, { recursive: true });
    const present = new Set<string>();
    for (const file of await fs.readdir(debs)) {
      if (file.startsWith('partial-')) {
        await fs.rm(path.join(debs, file), { recursive: true, force: true });
      } else {
        present.add(file);
      }
    }
    const wanted = packages.filter((each) => ![...present].some((file) => isDebOf(file, each)));
    if (wanted.length === 0) {
      return;
    }
    this.#progress(`downloading ${wanted.length} packages (apt-get download, nothing is installed)`);
    const partial = path.join(debs, `partial-${randomBytes(6).toString('hex')}`);
    await fs.mkdir(partial);
    try {
      const { code, output } = await this.#run(
        ['download', ...wanted.map((each) => `${each.name}=${each.version}`)],
        partial,
        900_000,
      );
      // apt checks each file's hash before it gives it its name, so every finished file may be kept.
      for (const file of await fs.readdir(partial)) {
        if (file.endsWith('.deb')) {
          await fs.rename(path.join(partial, file), path.join(debs, file));
        }
      }
      if (code !== 0) {
        throw new LabUnavailable(`apt-get download failed: ${aptComplaint(output) ?? `exit code ${code}`}`);
      }
    } finally {
      await fs.rm(partial, { recursive: true, force: true });
    }
  }

  async #run(args: readonly string[], cwd: string, timeoutMs: number): Promise<{ code: number; output: string }> {
    const child = spawn(this.#program, ['-c', path.join(this.#folder, 'apt.conf'), ...args], {
      cwd,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    });
    let output = '';
    const take = (line: string): void => {
      output += `${line}\n`;
      const download = parseDownloadLine(line);
      if (download !== undefined && args[0] === 'download') {
        this.#progress(`  ${download.name} (${download.size})`);
      }
    };
    createInterface({ input: child.stdout }).on('line', take);
    createInterface({ input: child.stderr }).on('line', take);
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve(status ?? 1));
    });
    return { code, output };
  }
}

/** `apt-get download` names files `NAME_VERSION_ARCH.deb` with the version's colon as `%3a`. */
function isDebOf(file: string, wanted: PackageVersion): boolean {
  return file.startsWith(`${wanted.name}_${wanted.version.replaceAll(':', '%3a')}_`) && file.endsWith('.deb');
}

async function unpack(
  dpkg: string,
  packages: readonly PackageVersion[],
  debs: string,
  root: string,
  progress: (line: string) => void,
): Promise<void> {
  progress(`unpacking ${packages.length} packages into ${root}`);
  const files = await fs.readdir(debs);
  const partial = `${root}.partial-${randomBytes(6).toString('hex')}`;
  await fs.mkdir(partial, { recursive: true });
  try {
    for (const each of packages) {
      const file = files.find((name) => isDebOf(name, each));
      if (file === undefined) {
        throw new LabUnavailable(`apt-get download left no file for ${each.name} ${each.version}`);
      }
      await capture(dpkg, ['-x', path.join(debs, file), partial], {});
    }
    if (await isLink('/lib')) {
      await mergeUsr(partial);
    }
    await fs.rename(partial, root);
  } finally {
    await fs.rm(partial, { recursive: true, force: true });
  }
}

/**
 * Turns the top folders `bin`, `sbin`, `lib`, ... of an unpacked set into links to their place under `usr`, as they
 * are on the host. Left as folders they would hide the host's links in an overlay, and with them the program loader.
 */
async function mergeUsr(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    const folder = path.join(root, name);
    const stat = await fs.lstat(folder).catch(() => undefined);
    if (stat?.isDirectory() === true) {
      await fs.cp(folder, path.join(root, 'usr', name), {
        recursive: true,
        verbatimSymlinks: true,
        preserveTimestamps: true,
        force: true,
      });
      await fs.rm(folder, { recursive: true });
      await fs.symlink(`usr/${name}`, folder);
    }
  }
}

/** Sets that were being unpacked when a process died. Called with the lock held. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    if (name.includes('.partial-')) {
      await fs.rm(path.join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Runs `work` while holding the lock file. A holder that died, or shows no sign of life for a minute, loses it. */
async function withLock<T>(file: string, progress: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const mine = `${hostname()} ${process.pid}`;
  let announced = false;
  for (;;) {
    try {
      await fs.writeFile(file, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new LabUnavailable(`the cache cannot be locked: ${messageOf(error)}`);
      }
    }
    if (await isStale(file)) {
      // Two waiters may both find it stale; only one of them can rename it away.
      const away = `${file}.${randomBytes(6).toString('hex')}`;
      await fs.rename(file, away).catch(() => undefined);
      await fs.rm(away, { force: true });
      continue;
    }
    if (!announced) {
      announced = true;
      progress(`waiting for another process that fills the cache (${file})`);
    }
    await sleep(200);
  }
  const beat = setInterval(() => {
    const now = new Date();
    fs.utimes(file, now, now).catch(() => undefined);
  }, lockBeatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await fs.rm(file, { force: true });
  }
}

async function isStale(file: string): Promise<boolean> {
  const [stat, text] = await Promise.all([
    fs.stat(file).catch(() => undefined),
    fs.readFile(file, 'utf8').catch(() => ''),
  ]);
  if (stat === undefined) {
    return false;
  }
  if (Date.now() - stat.mtimeMs > lockStaleMs) {
    return true;
  }
  const [host, pid] = text.split(' ');
  if (host !== hostname() || pid === undefined) {
    return false;
  }
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function readStamp(file: string): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
}

async function writeAtomically(file: string, text: string): Promise<void> {
  const partial = `${file}.${randomBytes(6).toString('hex')}`;
  await fs.writeFile(partial, text);
  await fs.rename(partial, file);
}

async function exists(file: string): Promise<boolean> {
  return await fs.access(file).then(
    () => true,
    () => false,
  );
}

async function isLink(file: string): Promise<boolean> {
  return (await fs.lstat(file).catch(() => undefined))?.isSymbolicLink() === true;
}

/** Full path of a program, looked for in PATH and in the system folders that an ordinary user's PATH may lack. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  for (const folder of folders) {
    if (folder !== '') {
      const file = path.join(folder, name);
      const executable = await fs.access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (executable) {
        return file;
      }
    }
  }
  return undefined;
}

function capture(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { env: { ...process.env, LC_ALL: 'C', ...env }, timeout: 120_000 },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve({ stdout });
        } else {
          reject(new Error(`${file} ${args.join(' ')}: ${stderr.trim() || error.message}`));
        }
      },
    );
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
