/**
 * Which part of the package may use which. Read "used by" left to right:
 *
 *     address, time, diagnostics, errors -> model -> health, vrrp, netlink, ipvs -> director -> runtime -> daemon
 *
 * io/ implements what those before director declare; only lib/index.ts may take parts from it, and the daemon.
 */
import { posix } from 'node:path';
import { findImports } from './import-statements.ts';

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly rule: string;
}

/** From what is used to what uses it; parts of one row are siblings. */
const layers: readonly (readonly string[])[] = [
  ['address', 'time', 'diagnostics', 'errors'],
  ['model'],
  ['health', 'vrrp', 'netlink', 'ipvs'],
  ['director'],
  ['runtime'],
];
const MACHINES = 2;

const rankOf = new Map(layers.flatMap((parts, rank) => parts.map((part) => [part, rank] as const)));

/** What keepalived-compat may use of lib. */
const compatUses = new Set(['model', 'address', 'time', 'diagnostics']);

/** Node modules that open nothing and wait for nothing, and the one place in lib that has a reason to use them. */
const pureNodeModules: Readonly<Record<string, { readonly where: RegExp; readonly because: string }>> = {
  'node:os': { where: /^lib\/errors\.ts$/, because: "its table of errno numbers is the platform's own" },
  'node:util': { where: /^lib\/errors\.ts$/, because: 'its table of errno names and texts' },
  'node:path/posix': { where: /^keepalived-compat\//, because: 'it works on text; includes are read by the caller' },
  'node:path': {
    where: /^keepalived-compat\//,
    because: 'its posix part works on text; includes are read by the caller',
  },
};

/** Packages from the registry. */
const packages: Readonly<Record<string, RegExp>> = {
  eventemitter3: /^lib\/(runtime\/|index\.ts$)/,
  koffi: /^lib\/io\/native\//,
};

/** The rules broken by one source file; `file` is its path from the package's root, with `/`. */
export function checkImports(file: string, source: string): Violation[] {
  const violations: Violation[] = [];
  for (const { specifier, line } of findImports(source)) {
    const rule = specifier === undefined ? ruleForUnknown(file) : brokenRule(file, specifier);
    if (rule !== undefined) violations.push({ file, line, specifier: specifier ?? '(worked out)', rule });
  }
  return violations;
}

function ruleForUnknown(file: string): string | undefined {
  return isShipped(file) ? 'a dynamic import names its module, so that it can be checked' : undefined;
}

function brokenRule(file: string, specifier: string): string | undefined {
  if (!isShipped(file)) return undefined;
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    if (!target.endsWith('.ts')) return 'relative imports end in .ts';
    return brokenArrow(file, target);
  }
  if (specifier.startsWith('node:')) return brokenNodeRule(file, specifier);
  if (specifier.startsWith('#') || specifier.startsWith('/')) return 'imports are relative, node: or packages';
  return brokenPackageRule(file, specifier);
}

function brokenArrow(file: string, target: string): string | undefined {
  const [from, to] = [topOf(file), topOf(target)];
  if (to === 'test' || to === 'examples' || to === '..') return `${from} never imports ${to}`;
  if (from === 'daemon') return undefined;
  if (from === 'examples') return 'examples import the package by its name, as users do';
  const part = partOf(target);
  if (from === 'keepalived-compat') {
    if (to === 'keepalived-compat') return undefined;
    if (to !== 'lib') return `keepalived-compat never imports ${to}`;
    return compatUses.has(part) ? undefined : `keepalived-compat uses lib/${[...compatUses].join(', lib/')} only`;
  }
  return to === 'lib' ? brokenLibArrow(partOf(file), part) : `lib never imports ${to}`;
}

function brokenLibArrow(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  if (to === 'index') return 'lib/index.ts is for users of the package; nothing in lib imports it';
  if (from === 'index')
    return to === 'testing' ? 'fakes are published as ipvigil/testing, not with the library' : undefined;
  if (to === 'io') return 'in lib only index.ts may import io/';
  if (to === 'testing') return 'what runs in production does not import fakes';
  const toRank = rankOf.get(to);
  if (toRank === undefined) return `lib/${to} has no place in the order: add it to the layers`;
  if (from === 'testing') return undefined;
  if (from === 'io')
    return toRank <= MACHINES ? undefined : 'io/ implements interfaces; it knows nothing of director and runtime';
  const fromRank = rankOf.get(from);
  if (fromRank === undefined) return `lib/${from} has no place in the order: add it to the layers`;
  if (toRank < fromRank || (from === 'ipvs' && to === 'netlink')) return undefined;
  return toRank === fromRank
    ? `siblings do not import each other: ${from} and ${to}`
    : `${to} uses ${from}, never the other way round`;
}

function brokenNodeRule(file: string, specifier: string): string | undefined {
  const from = topOf(file);
  if (from === 'daemon' || from === 'examples' || partOf(file) === 'io') return undefined;
  const pure = pureNodeModules[specifier];
  if (pure === undefined) return 'only lib/io and the daemon may import a node: module that opens or waits';
  return pure.where.test(file) ? undefined : `${specifier} is allowed where ${pure.where.source} only: ${pure.because}`;
}

function brokenPackageRule(file: string, specifier: string): string | undefined {
  if (topOf(file) === 'examples' && (specifier === 'ipvigil' || specifier.startsWith('ipvigil/'))) return undefined;
  if (topOf(file) === 'daemon') return undefined;
  const where = packages[specifier];
  if (where === undefined) return `the package ${specifier} has no place in ${topOf(file)}`;
  return where.test(file) ? undefined : `the package ${specifier} is allowed where ${where.source} only`;
}

/** Tests may import what they like. */
function isShipped(file: string): boolean {
  return topOf(file) !== 'test';
}

function topOf(path: string): string {
  return path.split('/', 1)[0]!;
}

/** `lib/time/clock.ts` is of the part `time`, `lib/errors.ts` of `errors`. */
function partOf(path: string): string {
  return path.split('/')[1]!.replace(/\.ts$/, '');
}
