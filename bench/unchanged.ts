/**
 * `coracle build` when nothing has changed: how long it takes, and which files it opens for that (where strace is there).
 * It must not open what images are made of: overlays, packages, results.
 *
 *     node bench/unchanged.ts [workspace]
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { cacheDirectory } from '../cli/workspace/cache-directory.ts';
import { BenchProject, INSTALLATION, LAUNCHER } from './bench-project.ts';
import { medianCost, runCommand, takeTurns } from './measure.ts';
import { costs, duration, goal, line } from './print.ts';

const ROUNDS = 15;
const STRACE = '/usr/bin/strace';
const CONTENT = 'content of images';

const workspace = process.argv[2] ?? 'qemu';
using project = new BenchProject();
await project.coracle('build', workspace);
// A file that was written a moment ago is read again, in case that it changed within one tick of the clock.
await new Promise((resolve) => setTimeout(resolve, 2500));
await project.coracle('build', workspace);
const subjects = {
  'coracle build': () => project.coracle('build', workspace),
  'coracle status': () => project.coracle('status', workspace),
};
const runs = await takeTurns(ROUNDS, subjects);
line(`nothing changed, workspace ${workspace}, medians of ${ROUNDS}`);
costs(Object.entries(runs).map(([what, all]) => ({ what, cost: medianCost(all) })));
goal('build with nothing changed', medianCost(runs['coracle build']).wallMs, 400, duration);
if (existsSync(STRACE)) await showOpened();
else line(`  which files it opens: install strace to see`);

interface Opened {
  readonly path: string;
  readonly directory: boolean;
}

async function showOpened(): Promise<void> {
  const log = join(project.directory, 'strace.log');
  const calls = 'trace=open,openat,openat2,execve';
  const argv = [STRACE, '-f', '-qq', '-s', '4096', '-e', calls, '-o', log, LAUNCHER, 'build', workspace];
  await runCommand(argv, { cwd: project.directory });
  const text = readFileSync(log, 'utf8');
  const opened = [...text.matchAll(/open(?:at2?)?\((?:AT_FDCWD, )?"([^"]+)", ([^)]*)\)? = \d/g)].map(
    ([, path = '', flags = '']): Opened => ({ path, directory: flags.includes('O_DIRECTORY') }),
  );
  const programs = [...text.matchAll(/execve\("([^"]+)".* = 0$/gm)].map(([, path = '']) => path.split('/').at(-1));
  line(`  opened: ${opened.length} times (programs: ${programs.join(', ')})`);
  const groups = Object.entries(Object.groupBy(opened, (one) => groupOf(one)));
  for (const [group, members = []] of groups.sort(([, a = []], [, b = []]) => b.length - a.length)) {
    const names = [...new Set(members.map(({ path }) => shortName(path)))];
    const shown = names.length > 6 ? `${names.slice(0, 6).join(' ')} …` : names.join(' ');
    line(`  ${String(members.length).padStart(5)} ${group}: ${shown}`);
  }
  const contents = opened.filter((one) => groupOf(one) === CONTENT);
  goal('files of overlays, packages and results that are opened', contents.length, 0, String);
}

function groupOf({ path, directory }: Opened): string {
  const inProject = relative(project.directory, path);
  const inInstallation = relative(INSTALLATION, path);
  const inCache = relative(cacheDirectory(process.env), path);
  if (directory) return 'directories listed';
  // Coracle's own paths are absolute. git looks into files that are as new as its index, which a fresh checkout's are.
  if (!isAbsolute(path)) return 'git';
  if (/^workspaces\/[^/]+\/stages\/[^/]+\/\.stage\.json$/.test(inProject)) return "stages' records";
  if (/^workspaces\/[^/]+\/stages\/slot\/manifest\.json$/.test(inProject)) return 'the summary: manifest';
  if (/^workspaces\/[^/]+\/stages\//.test(inProject)) return CONTENT;
  if (/\/root_overlay\//.test(path) || /\.(deb|tar|squashfs|img)$/.test(path)) return CONTENT;
  if (!inProject.startsWith('..')) return 'the project';
  if (/^(dist|node_modules|coracle$|package)/.test(inInstallation)) return "coracle's program";
  if (/^\.git\//.test(inInstallation)) return 'git';
  if (/\/layer\.yaml$/.test(path)) return "layers' layer.yaml";
  if (/^layers\//.test(inInstallation)) return "layers' fragments and lists";
  if (!inInstallation.startsWith('..')) return 'the rest of the installation';
  if (!inCache.startsWith('..')) return 'cache';
  if (/\.git/.test(path)) return 'git';
  return 'the system';
}

function shortName(path: string): string {
  for (const [from, to] of [
    [project.directory, '.'],
    [INSTALLATION, '…'],
    [homedir(), '~'],
  ] as const) {
    if (path.startsWith(`${from}/`)) return `${to}${path.slice(from.length)}`;
  }
  return path;
}
