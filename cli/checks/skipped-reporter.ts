/** A reporter for vitest that says of each skipped test why it was skipped. Vitest asks for a default export. */
import type { Reporter, TestModule } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason = 'note' in result ? (result.note ?? 'no reason was given') : 'no reason was given';
        process.stdout.write(`skipped: ${module.relativeModuleId}: ${test.fullName}: ${reason}\n`);
      }
    }
  }
}
