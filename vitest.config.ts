import { defineConfig } from 'vitest/config';

// Unit and property tests beside the code, and end-to-end tests in test/; the slowest of those boot guests.
export default defineConfig({
  test: {
    include: ['cli/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
