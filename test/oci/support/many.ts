/** Many containers of one bundle, and what of the machine they hold. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBusyboxRoot } from './busybox-root.ts';
import { done, eventually, type UpperLayer } from './upper-layer.ts';

/** Numbers of things, as they are seen in the view. */
export interface Held {
  /** But those of who looks. */
  readonly processes: number;
  readonly mounts: number;
  readonly cgroups: number;
  /** Of containers, in the runtime's state. */
  readonly directories: number;
  /** That containers' programs have, above the standard ones. */
  readonly descriptors: number;
}

export interface Many {
  /** What went wrong, a line each. */
  readonly failed: readonly string[];
  /** From the first start to the last end, in milliseconds. */
  readonly wallMs: number;
}

const PARALLEL = 8;

export function makeManyBundle(bundle: string): void {
  makeBusyboxRoot(join(bundle, 'rootfs'));
  mkdirSync(join(bundle, '../state'));
  const types = ['pid', 'mount', 'ipc', 'uts', 'network'];
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    // Ends by itself in a minute, should nobody end it.
    process: { cwd: '/', args: ['sleep', '60'], env: ['PATH=/bin'], user: { uid: 0, gid: 0 } },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=1m'] },
    ],
    linux: {
      namespaces: types.map((type) => ({ type })),
      maskedPaths: ['/proc/kcore'],
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
    },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
}

/** Created, started, killed and deleted, each before the next. */
export function manyInARow(layer: UpperLayer, number: number): Promise<Many> {
  const script = `i=0
while [ $i -lt ${number} ]; do
  i=$((i + 1))
  $R create --bundle $B many-$i </dev/null >/dev/null && $R start many-$i && $R kill many-$i KILL || echo "many-$i failed"
  $R delete --force many-$i || echo "many-$i stays"
done`;
  return timed(layer, script);
}

/** All of them started, several at a time, before the first is ended; what they hold then is counted. */
export async function manyAtOnce(layer: UpperLayer, number: number): Promise<Many & { readonly running: Held }> {
  const each = (command: string): string => `seq ${number} | xargs -P ${PARALLEL} -I @ sh -c '${command}' sh "$R" "$B"`;
  const started = await timed(
    layer,
    each('$1 run --detach --bundle $2 many-@ </dev/null >/dev/null || echo many-@ failed'),
  );
  const running = await count(layer);
  const ended = await timed(layer, each('$1 delete --force many-@ || echo many-@ stays'));
  return { failed: [...started.failed, ...ended.failed], wallMs: started.wallMs + ended.wallMs, running };
}

async function timed(layer: UpperLayer, script: string): Promise<Many> {
  const { runtime, scratch, view } = layer;
  const env = { R: `${runtime.path} --root ${scratch}/state`, B: `${scratch}/bundle` };
  // Times are taken inside, since entering the view costs as much as some containers.
  const clock = 'date +%s%3N >&2';
  const ran = await done(view, ['sh', '-c', `${clock}; { ${script}; } 2>&1; ${clock}`], { env, timeoutMs: 250_000 });
  const [start = 0, end = 0] = ran.stderr.trim().split('\n').map(Number);
  return { failed: ran.stdout.split('\n').filter((line) => line !== ''), wallMs: end - start };
}

/** Counts until two counts are the same: the commands of those who looked before may be there for a moment yet. */
export async function count(layer: UpperLayer): Promise<Held> {
  let last = await countOnce(layer);
  return eventually(
    async () => {
      const [before, now] = [last, await countOnce(layer)];
      last = now;
      return { same: JSON.stringify(before) === JSON.stringify(now), now };
    },
    ({ same }) => same,
  ).then(({ now }) => now);
}

async function countOnce(layer: UpperLayer): Promise<Held> {
  const script = `
cat /proc/[0-9]*/status 2>/dev/null | awk '/^Name:/ { name = $2 }
  /^State:/ && $2 !~ /[ZX]/ && name !~ /^(sh|cat|awk|nsenter)$/ { count++ } END { print count + 0 }'
wc -l </proc/self/mountinfo
find /sys/fs/cgroup -type d | wc -l
find ${layer.scratch}/state -mindepth 1 -maxdepth 1 | wc -l
grep -l '^sleep$' /proc/[0-9]*/comm 2>/dev/null | sed 's/comm$/fd/' | xargs ls 2>/dev/null | grep -c -E '^([3-9]|[1-9][0-9]+)$'`;
  const { stdout } = await layer.view.run(['sh', '-c', script]);
  const [processes = 0, mounts = 0, cgroups = 0, directories = 0, descriptors = 0] = stdout
    .trim()
    .split(/\s+/)
    .map(Number);
  return { processes, mounts, cgroups, directories, descriptors };
}
