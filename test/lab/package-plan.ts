/**
 * The pure half of `packages.ts`: what apt says, turned into values, and the names of things in the cache.
 */

/** One package that has to be downloaded, as apt's resolver chose it. */
export interface PackageVersion {
  readonly name: string;
  /** Full Debian version with epoch, e.g. `1:2.2.7-1+b2`. */
  readonly version: string;
}

/** The distribution release this machine runs, from os-release(5). */
export interface Release {
  /** `ID`, e.g. `debian`. */
  readonly id: string;
  /** `VERSION_ID`, else `VERSION_CODENAME`, else `rolling` (Debian testing has no number). */
  readonly version: string;
}

/** Reads `ID` and the version from the text of /etc/os-release; an unknown distribution has id `unknown`. */
export function parseOsRelease(text: string): Release {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(.*))$/.exec(line.trim());
    if (match !== null) {
      fields.set(match[1]!, match[2] ?? match[3] ?? match[4] ?? '');
    }
  }
  return {
    id: fields.get('ID') ?? 'unknown',
    version: fields.get('VERSION_ID') ?? fields.get('VERSION_CODENAME') ?? 'rolling',
  };
}

/**
 * The packages `apt-get --simulate install` would install, sorted by name. apt prints one line for each:
 * `Inst NAME (VERSION SOURCE [ARCH])`, or `Inst NAME [OLD] (VERSION ...` for one that would be upgraded.
 */
export function parseSimulatedInstall(output: string): PackageVersion[] {
  const packages: PackageVersion[] = [];
  for (const match of output.matchAll(/^Inst (\S+)(?: \[[^\]]*\])? \((\S+)/gm)) {
    packages.push({ name: match[1]!, version: match[2]! });
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * The sentences behind apt's `E:` lines, else behind its `W:` lines, joined and cut to 500 characters; `undefined` when
 * it printed none. `apt-get update` that could fetch nothing only warns, and exits with 0.
 */
export function aptComplaint(output: string): string | undefined {
  for (const mark of ['E', 'W']) {
    const complaints = [...output.matchAll(new RegExp(`^${mark}: (.+)$`, 'gm'))].map((match) => match[1]!.trim());
    if (complaints.length > 0) {
      const text = [...new Set(complaints)].join('; ');
      return text.length > 500 ? `${text.slice(0, 500)} ...` : text;
    }
  }
  return undefined;
}

/** `apt-get download` prints `Get:N URL SUITE ARCH NAME ARCH VERSION [SIZE]`; the name and size are worth showing. */
export function parseDownloadLine(line: string): { name: string; size: string } | undefined {
  const match = /^Get:\d+ \S+ \S+ \S+ (\S+) \S+ \S+ \[([^\]]+)\]/.exec(line);
  return match === null ? undefined : { name: match[1]!, size: match[2]! };
}

/** Names a file in the cache after what it depends on; anything a file name should not hold becomes `-`. */
export function cacheKey(release: Release, architecture: string, suffix: string): string {
  return `${release.id}-${release.version}-${architecture}-${suffix}`.replace(/[^A-Za-z0-9._-]/g, '-');
}
