import { defineConfig } from 'vitest/config';

// Tests start TypeScript programs with the Node that runs them, which has to be the pinned one.
if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error(
    `this is Node ${process.versions.node}; start with ./coracle test, or put node_modules/.bin first in PATH`,
  );
}

// Unit and property tests beside the code, and end-to-end tests in test/; the slowest of those boot guests.
export default defineConfig({
  test: {
    include: ['cli/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
