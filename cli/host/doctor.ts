/**
 * Looks whether this machine has what Coracle needs. Comes in: a host and purposes; goes out: one finding for each need.
 * A few looks at the file system; the only programs it starts are Rust compilers, to ask for their version.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type HostNeed, needsFor, type Purpose } from './host-packages.ts';
import { findRust } from './rust-toolchain.ts';
import { distribution, findProgram, type Host } from './this-host.ts';

export interface HostFinding {
  readonly need: HostNeed;
  /** Where it is; undefined: missing. */
  readonly found: string | undefined;
}

export interface HostReport {
  readonly host: Host;
  readonly distribution: { readonly name: string; readonly debianLike: boolean };
  readonly findings: readonly HostFinding[];
  readonly missing: readonly HostNeed[];
  /** Debian packages that bring what is missing, sorted. */
  readonly packages: readonly string[];
}

export async function checkHost(host: Host, purposes: readonly Purpose[], rustVersion: string): Promise<HostReport> {
  const findings = await Promise.all(
    needsFor(purposes, host.arch).map(async (need) => ({ need, found: await look(host, need, rustVersion) })),
  );
  const missing = findings.filter((finding) => finding.found === undefined).map((finding) => finding.need);
  return {
    host,
    distribution: distribution(host),
    findings,
    missing,
    packages: [...new Set(missing.flatMap((need) => need.packages))].sort(),
  };
}

async function look(host: Host, need: HostNeed, rustVersion: string): Promise<string | undefined> {
  const { check } = need;
  switch (check.kind) {
    case 'program':
      return findProgram(host, check.name);
    case 'file':
      return check.anyOf.map((path) => join(host.root, path)).find((path) => existsSync(path));
    case 'rust': {
      const rust = await findRust(host, check.target, rustVersion);
      return rust === undefined ? undefined : `${rust.rustc} (${rust.version})`;
    }
  }
}

/** The table that a person reads. */
export function hostReportText(report: HostReport): string {
  const lines: string[] = [];
  if (report.missing.length === 0) {
    lines.push(`Everything is here: ${report.findings.length} programs and files (${report.distribution.name}).`);
  } else {
    lines.push(`Missing on this machine (${report.distribution.name}):`, '');
    const name = width(report.missing.map((need) => need.name));
    const packages = width(report.missing.map((need) => need.packages.join(' ')));
    for (const need of report.missing) {
      lines.push(`  ${need.name.padEnd(name)}  ${need.packages.join(' ').padEnd(packages)}  ${need.why}`);
    }
  }
  return lines.join('\n');
}

function width(words: readonly string[]): number {
  return Math.max(0, ...words.map((word) => word.length));
}
