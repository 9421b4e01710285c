// Bundles the CLI into dist/, one chunk a verb, so that a verb loads only what it uses. Chunks are named by content and
// old ones stay for a day: a running build may still load them.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

await build({
  entryPoints: ['cli/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  // CommonJS packages in the bundle call require() for Node's own modules.
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
  },
});

const aDayAgo = Date.now() - 24 * 60 * 60 * 1000;
for (const name of readdirSync('dist')) {
  const path = join('dist', name);
  if (/\.js(\.map)?$/.test(name) && statSync(path).mtimeMs < aDayAgo) rmSync(path);
}
