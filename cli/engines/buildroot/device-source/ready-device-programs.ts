/** What Coracle's own programs need before a make that builds them, and before the network goes. */
import { requiredRust } from '../../../host/rust-toolchain.ts';
import type { StageContext } from '../../../stages/stage.ts';
import type { PackageInfos } from '../build/package-info.ts';
import type { ConfigureParts } from '../configure/configure-stage.ts';
import { checkRust } from './check-rust.ts';
import { prepareDeviceSource } from './prepare-device-source.ts';

/**
 * Does nothing where no layer asks for one of the programs.
 *
 * @throws Failure, see {@link checkRust} and {@link prepareDeviceSource}
 */
export async function readyDevicePrograms(
  { config, source, environment }: Pick<ConfigureParts, 'config' | 'source' | 'environment'>,
  packages: PackageInfos,
  { report, step, log, signal }: Pick<StageContext, 'report' | 'step' | 'log' | 'signal'>,
): Promise<void> {
  const device = source.device();
  if (device === undefined) return;
  checkRust(packages, {
    release: source.tree().version,
    required: requiredRust(environment.installation),
    fromMachine: config.settings.buildroot.hostTools === 'machine',
  });
  report({ kind: 'step-progress', step, text: "preparing the sources of Coracle's own programs" });
  await prepareDeviceSource(device, {
    environment,
    log,
    signal,
    onWait: ({ pid }) =>
      report({ kind: 'step-progress', step, text: `process ${pid} is preparing them, too: waiting` }),
  });
}
