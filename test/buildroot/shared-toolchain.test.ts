/**
 * Two workspaces side by side on a real Buildroot tree, in one budget of jobs: one toolchain for both, built once, kept, and
 * used. The packages that it is made of are stood in for by the machine's compiler (support/stand-in-toolchain.ts); all that
 * is done with them is Buildroot's own.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildrootEngine } from '../../cli/engines/buildroot/engine.ts';
import { machineToolchain } from '../../cli/engines/buildroot/machine/toolchain.ts';
import { JobBudget } from '../../cli/host/job-budget.ts';
import { readTarEntries } from '../../cli/rootfs/tar-entries.ts';
import { FileHashes } from '../../cli/stages/file-hashes.ts';
import { runStages } from '../../cli/stages/run-stages.ts';
import type { Event } from '../../cli/ui/events.ts';
import { loadProject } from '../../cli/workspace/project.ts';
import { resolveWorkspace } from '../../cli/workspace/resolve-workspace.ts';
import { BUILDROOT, describeWithBuildroot } from '../support/buildroot.ts';
import { failureOf, writeTree } from '../support/files.ts';
import { noProgram } from '../support/no-program.ts';
import { CACHE } from '../support/small-project.ts';
import { standInToolchain } from '../support/stand-in-toolchain.ts';

const INSTALLATION = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const MINUTES = 60_000;

/** A program by make, of objects that take a moment each and say who is at work when. */
const PACKAGE = {
  'layers/my/program/layer.yaml': 'description: A program\nprovides: [base]\n',
  'layers/my/program/buildroot/program': [
    'BR2_INIT_NONE=y',
    'BR2_SYSTEM_BIN_SH_NONE=y',
    '# BR2_PACKAGE_BUSYBOX is not set',
    'BR2_PACKAGE_PROGRAM=y',
    '',
  ].join('\n'),
  'layers/my/program/buildroot_ext/external.desc': 'name: PROGRAM\n',
  'layers/my/program/buildroot_ext/external.mk': 'include $(BR2_EXTERNAL_PROGRAM_PATH)/package/program/program.mk\n',
  'layers/my/program/buildroot_ext/Config.in': 'config BR2_PACKAGE_PROGRAM\n\tbool "program"\n',
  'layers/my/program/buildroot_ext/package/program/program.mk': [
    'PROGRAM_VERSION = 1',
    'PROGRAM_SITE = $(BR2_EXTERNAL_PROGRAM_PATH)/package/program/source',
    'PROGRAM_SITE_METHOD = local',
    'define PROGRAM_BUILD_CMDS',
    '\t$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) CC="$(TARGET_CC)"',
    'endef',
    'define PROGRAM_INSTALL_TARGET_CMDS',
    '\t$(INSTALL) -D $(@D)/program $(TARGET_DIR)/usr/bin/program',
    'endef',
    '$(eval $(generic-package))',
    '',
  ].join('\n'),
  'layers/my/program/buildroot_ext/package/program/source/program.c': 'int main(void) { return 0; }\n',
} as const;

describeWithBuildroot('a toolchain for two workspaces', () => {
  // No blank: make works with the path.
  const directory = mkdtempSync(join(tmpdir(), 'coracle-shared-'));
  const cache = join(directory, 'cache');
  const record = join(directory, 'record');
  const atWork = join(directory, 'at-work');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeAll(async () => {
    const tree = BUILDROOT ?? '';
    const made = await machineToolchain('x86_64', { tree, cache: CACHE.CORACLE_CACHE, offline: false });
    const headers = made.symbols
      .map((line) => /EXTERNAL_(HEADERS_\w+=y)/.exec(line)?.[1])
      .find((one) => one !== undefined);
    const empty = join(directory, 'empty');
    mkdirSync(empty);
    const standIn = { arch: 'x86_64', directory: made.directory, prefix: 'x86_64-linux-musl', empty } as const;
    const workspace = (layers: string): string =>
      `{layers: [${layers}], engine: buildroot, arch: x86_64, buildroot: {hostTools: machine}}`;
    writeTree(directory, {
      ...PACKAGE,
      'stand-in.mk': standInToolchain(standIn, record) + made.overrides,
      'layers/my/program/buildroot_ext/package/program/source/Makefile': [
        'OBJECTS = a.o b.o c.o d.o',
        'program: $(OBJECTS)',
        '\t$(CC) -static -o $@ $^',
        'a.o: program.c',
        '\t@echo + >>$(RECORD); sleep 0.3; $(CC) -c -o $@ $<; echo - >>$(RECORD)',
        'b.o c.o d.o:',
        '\t@echo + >>$(RECORD); sleep 0.3; echo "int $(basename $@);" >$@.c; $(CC) -c -o $@ $@.c; echo - >>$(RECORD)',
        `RECORD = ${atWork}`,
        '',
      ].join('\n'),
      'layers/my/musl/layer.yaml': 'description: A toolchain with musl\n',
      'layers/my/musl/buildroot/musl': [
        'BR2_TOOLCHAIN_BUILDROOT_MUSL=y',
        '# BR2_TOOLCHAIN_BUILDROOT_CXX is not set',
        `BR2_KERNEL_${headers}`,
        `BR2_PACKAGE_OVERRIDE_FILE="${join(directory, 'stand-in.mk')}"`,
        '',
      ].join('\n'),
      'layers/my/name/layer.yaml': 'description: Another name\n',
      'layers/my/name/buildroot/name': 'BR2_TARGET_GENERIC_HOSTNAME="two"\n',
      'layers/my/odd/layer.yaml': 'description: What no toolchain can be\n',
      'layers/my/odd/buildroot/odd': 'BR2_TOOLCHAIN_BUILDROOT_LOCALE=y\n',
      'coracle.yaml': [
        'layers: [{path: layers}]',
        `buildroot: ${tree}`,
        'workspaces:',
        `  one: ${workspace('my/program, my/musl')}`,
        `  two: ${workspace('my/program, my/musl, my/name')}`,
        `  odd: ${workspace('my/program, my/musl, my/odd')}`,
        '',
      ].join('\n'),
    });
  }, 5 * MINUTES);

  async function build(name: string, jobs: JobBudget, offline = false): Promise<readonly Event[]> {
    const project = await loadProject(directory, {}, INSTALLATION);
    const config = await resolveWorkspace(project, name);
    const workspace = join(directory, 'workspaces', name);
    const hashes = new FileHashes(join(workspace, 'hashes.json'));
    const environment = { installation: INSTALLATION, project: directory, cache, offline, hashes };
    const { stages } = buildrootEngine.plan(config, environment, workspace, noProgram);
    const events: Event[] = [];
    await runStages(
      stages.filter((stage) => stage.name !== 'root'),
      { workspace, name, report: (event) => events.push(event), signal: new AbortController().signal, jobs },
    );
    return events;
  }

  function ran(events: readonly Event[]): readonly string[] {
    return events.flatMap((one) => (one.kind === 'step-ended' && one.outcome === 'done' ? [one.step] : []));
  }

  async function programs(name: string): Promise<readonly string[]> {
    const entries = await readTarEntries(join(directory, 'workspaces', name, 'stages/buildroot/rootfs.tar'), name);
    return entries.map(({ path }) => path).filter((path) => path.endsWith('usr/bin/program'));
  }

  function linesOf(file: string): readonly string[] {
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  function mostAtWork(): number {
    let [now, most] = [0, 0];
    for (const sign of linesOf(atWork)) {
      now += sign === '+' ? 1 : -1;
      most = Math.max(most, now);
    }
    return most;
  }

  it(
    'is built once, and both are built with it, within one budget',
    async () => {
      const jobs = new JobBudget(2, 2);
      const events = (await Promise.all(['one', 'two'].map((name) => build(name, jobs)))).flat();
      expect(linesOf(record)).toEqual(['built']);
      const notes = events.flatMap((one) => (one.kind === 'note' ? [one.text] : []));
      expect(notes).toContain('another workspace is building it, too: waiting');
      expect(notes.filter((text) => text.startsWith('building the toolchain'))).toHaveLength(1);
      for (const name of ['one', 'two']) expect(await programs(name)).toHaveLength(1);
      const [one, two] = ['one', 'two'].map((name) => {
        const text = readFileSync(join(directory, 'workspaces', name, 'stages/buildroot-config/.config'), 'utf8');
        return /^BR2_TOOLCHAIN_EXTERNAL_URL=.*$/m.exec(text)?.[0];
      });
      expect(one).toMatch(/coracle-toolchain-x86_64-[0-9a-f]{24}\.tar\.gz"$/);
      expect(two).toBe(one);
      expect(mostAtWork()).toBeLessThanOrEqual(2);
      rmSync(atWork);
    },
    20 * MINUTES,
  );

  it('is not looked at again when nothing changed', async () => {
    expect(ran(await build('one', new JobBudget(2)))).toEqual([]);
  });

  it(
    'comes from the cache without a network for a workspace that starts anew',
    async () => {
      rmSync(join(directory, 'workspaces/two'), { recursive: true });
      const events = await build('two', new JobBudget(2), true);
      expect(ran(events)).toEqual(['two/toolchain', 'two/toolchain-sdk', 'two/buildroot-config', 'two/buildroot']);
      // Alone, it has the whole budget.
      expect(mostAtWork()).toBe(2);
      expect(linesOf(record)).toEqual(['built']);
    },
    20 * MINUTES,
  );

  it(
    'is built again when the cache was emptied, and the workspace stays as it is',
    async () => {
      rmSync(join(cache, 'buildroot/toolchains'), { recursive: true });
      expect(ran(await build('one', new JobBudget(2)))).toEqual(['one/toolchain-sdk']);
      expect(linesOf(record)).toEqual(['built', 'built']);
    },
    20 * MINUTES,
  );

  it('what layers ask of it and it cannot be is told', async () => {
    const { parts } = await failureOf(build('odd', new JobBudget(2)));
    expect(parts).toMatchObject({ code: 'symbol-not-honoured', layer: 'my/odd' });
    expect(parts.message).toContain('BR2_TOOLCHAIN_BUILDROOT_LOCALE');
  });

  it(
    'a layer that changes how it is built gets another',
    async () => {
      writeFileSync(
        join(directory, 'stand-in.mk'),
        `${readFileSync(join(directory, 'stand-in.mk'), 'utf8')}# changed\n`,
      );
      const events = await build('one', new JobBudget(2)).catch(() => []);
      expect(linesOf(record)).toEqual(['built', 'built', 'built']);
      expect(events.some((one) => one.kind === 'note' && one.text.startsWith('building the toolchain'))).toBe(true);
    },
    20 * MINUTES,
  );
});
