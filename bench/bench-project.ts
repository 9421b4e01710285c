/**
 * A project to build in, which goes away afterwards: the shipped coracle.yaml with its lock, in a git repository of its
 * own. Downloads come from the user's cache.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { type CommandCost, runCommand } from './measure.ts';

export const INSTALLATION = join(import.meta.dirname, '..');
export const LAUNCHER = join(INSTALLATION, 'coracle');

export class BenchProject implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'coracle-bench-'));

  /** @param change something else in coracle.yaml */
  constructor(change: (yaml: Document) => void = () => {}) {
    const yaml = parseDocument(readFileSync(join(INSTALLATION, 'coracle.yaml'), 'utf8'));
    change(yaml);
    writeFileSync(join(this.directory, 'coracle.yaml'), String(yaml));
    const lock = join(INSTALLATION, 'coracle.lock');
    if (existsSync(lock)) copyFileSync(lock, join(this.directory, 'coracle.lock'));
    writeFileSync(join(this.directory, '.gitignore'), '/workspaces/\n/coracle.lock\n/overrides/\n');
    git(this.directory, 'init', '--quiet');
    git(this.directory, 'add', '--all');
    git(
      this.directory,
      '-c',
      'user.name=bench',
      '-c',
      'user.email=bench@localhost',
      'commit',
      '--quiet',
      '-m',
      'bench',
    );
  }

  /** Runs coracle in it. */
  async coracle(...args: readonly string[]): Promise<CommandCost> {
    return runCommand([LAUNCHER, ...args], { cwd: this.directory });
  }

  /** A file of the root that comes from the project's own layer. */
  writeOverlay(path: string, content: string): void {
    const file = join(this.directory, 'overrides', 'root_overlay', path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  }

  inWorkspace(workspace: string, ...path: readonly string[]): string {
    return join(this.directory, 'workspaces', workspace, ...path);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function git(cwd: string, ...args: readonly string[]): void {
  execFileSync('git', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
