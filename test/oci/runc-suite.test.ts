/** runc's own tests in bats, out of Debian's source package, with our runtime in runc's place and busybox for images. */
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Failure } from '../../cli/failure.ts';
import { runCommand } from '../../cli/host/process.ts';
import { lacksBusybox } from './support/bundle.ts';
import { differences } from './support/expectations.ts';
import { go, hasGo, NO_GO } from './support/go.ts';
import { debianSource } from './support/sources.ts';
import { directoryOrSkip, onlyWhenAsked, orSkip, withView } from './support/suite.ts';
import { readTap } from './support/tap.ts';

const SUITE_MS = 1_200_000;
/** Name → build tags; the last needs the development files of libseccomp. */
const HELPERS = { recvtty: '', 'sd-helper': '', seccompagent: 'seccomp' } as const;

it("runc's bats say what is expected in a v1 view", { timeout: SUITE_MS + 300_000 }, async (context) => {
  onlyWhenAsked(context, 8);
  for (const [program, name] of [
    ['/usr/bin/bats', 'bats'],
    ['/usr/bin/jq', 'jq'],
    ['/usr/bin/gawk', 'gawk'],
  ] as const) {
    if (!existsSync(program)) return context.skip(`${name} is not on this machine`);
  }
  const lacking = lacksBusybox();
  if (lacking !== undefined) return context.skip(lacking);
  orSkip(context, hasGo() ? {} : NO_GO);
  const source = directoryOrSkip(context, await debianSource('runc', '1.1.5'));
  await compileHelpers(source);
  await withView(context, 'v1', async (view, runtime, scratch) => {
    for (const part of ['tests', 'contrib']) cpSync(join(source, part), join(scratch, part), { recursive: true });
    await makeImages(join(scratch, 'tests/integration'));
    letGo(join(scratch, 'contrib/cmd/recvtty/recvtty'));
    // They want a terminal. A time limit of bats for each test would be one more child that some of them wait for.
    const command = `bats --tap --recursive '${join(scratch, 'tests/integration')}'`;
    const ran = await view.run(['script', '--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: scratch,
      env: { RUNC: runtime.path, TERM: 'xterm', HOME: scratch },
      timeoutMs: SUITE_MS,
    });
    expect(differences('runc', 'v1', runtime, readTap(ran.stdout))).toEqual([]);
  });
});

async function compileHelpers(source: string): Promise<void> {
  for (const [name, tags] of Object.entries(HELPERS)) {
    const directory = join(source, 'contrib/cmd', name);
    if (existsSync(join(directory, name))) continue;
    try {
      await go(directory, ['build', `-tags=${tags}`, '-o', name, '.']);
    } catch (error) {
      if (tags === '' || !(error instanceof Failure)) throw error;
      // Its tests then fail, and the list says so.
      console.warn(`not compiled: ${name}: ${error.message}`);
    }
  }
}

/** A helper that a failed test leaves behind would keep bats waiting for the end of its own descriptors. */
function letGo(program: string): void {
  renameSync(program, `${program}.real`);
  const script = ['#!/bin/bash', 'for fd in {3..300}; do eval "exec $fd>&-"; done', 'exec "$0.real" "$@"', ''];
  writeFileSync(program, script.join('\n'), { mode: 0o755 });
}

/** Both images that the tests want are the same busybox; what asks for them is told where they are. */
async function makeImages(directory: string): Promise<void> {
  const root = join(directory, 'image');
  for (const name of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'usr/bin', 'usr/sbin', 'var']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  cpSync('/usr/bin/busybox', join(root, 'bin/busybox'));
  const { stdout } = await runCommand({ argv: ['/usr/bin/busybox', '--list'], cwd: root, stdout: 'capture' });
  for (const name of stdout.split('\n')) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  }
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n');
  const archive = join(directory, 'testdata/image.tar');
  await runCommand({ argv: ['tar', '--create', '--file', archive, '--owner=0', '--group=0', '.'], cwd: root });
  writeFileSync(
    join(directory, 'get-images.sh'),
    `#!/bin/sh\necho "BUSYBOX_IMAGE='${archive}'"\necho "DEBIAN_IMAGE='${archive}'"\n`,
  );
}
