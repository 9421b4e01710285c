/** Tests of single sentences of the runtime specification: each in both views, with a runtime and a place for bundles. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it, onTestFinished, type TestContext } from 'vitest';
import { baseConfig, type Config, Container, lacksBusybox } from './bundle.ts';
import { type Runtime, runtimeUnderTest } from './runtime.ts';
import { type CgroupVersion, openView, type View } from './view.ts';

export interface Place {
  readonly version: CgroupVersion;
  readonly view: View;
  /** A directory that containers may see. */
  readonly scratch: string;
  /** A container of the base configuration with changes; it goes away with the test. */
  container(script: string, change?: (config: Config) => void): Container;
}

/** `name` is what musts.yaml calls the test. */
export type SpecTests = (
  must: (name: string, work: (place: Place, context: TestContext) => Promise<void>) => void,
) => void;

export function specification(area: string, tests: SpecTests): void {
  describe.each<CgroupVersion>(['v1', 'v2'])(`${area}, %s view`, { timeout: 120_000 }, (version) => {
    let lacking: string | undefined;
    let opened: { view: View; runtime: Runtime; scratch: string } | undefined;
    beforeAll(async () => {
      const runtime = runtimeUnderTest();
      const view = 'reason' in runtime ? runtime : await openView(version);
      lacking = lacksBusybox() ?? ('reason' in runtime ? runtime.reason : 'reason' in view ? view.reason : undefined);
      if ('reason' in runtime || 'reason' in view) return;
      opened = { view, runtime, scratch: mkdtempSync(join(tmpdir(), 'coracle-oci-')) };
      await view.run(['chmod', '755', opened.scratch]);
    }, 300_000);
    afterAll(async () => {
      await opened?.view.close();
      if (opened !== undefined) rmSync(opened.scratch, { recursive: true, force: true });
    });
    tests((name, work) => {
      it(name, async (context) => {
        if (lacking !== undefined || opened === undefined) return context.skip(lacking ?? 'there is no view');
        const { view, runtime, scratch } = opened;
        const container = (script: string, change?: (config: Config) => void): Container => {
          const config = baseConfig(script);
          change?.(config);
          const made = new Container(view, runtime, scratch, config);
          onTestFinished(() => made.remove());
          return made;
        };
        await work({ version, view, scratch, container }, context);
      });
    });
  });
}
